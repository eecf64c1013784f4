"""What the TransformationCleaningAgent does, in sentences that hold on every grid which has one.

``test_cleaning.py`` holds the in-memory grid to them, ``tests/e2e/full`` a whole DIRAC: a light
grid has no such agent.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.systems import System, by_hand, spec, status_of, unique


def existing(system: System, lfns: Sequence[str]) -> set[str]:
    """Those that the catalogue has."""
    return set(system.gateway().existing_files(lfns))


def signed(system: System, directory: str, name: str, transformation: int) -> str:
    """Register a file as one of our jobs leaves it."""
    lfn = f"{directory}/{name}"
    system.register(lfn, {"TransformationID": transformation})
    return lfn


def without_output_directories_it_is_never_cleaned(system: System) -> None:
    gateway = system.gateway()
    lacking, having = (gateway.create_transformation(spec(unique())).id for _ in range(2))
    call = gateway.services.call
    call(TRANSFORMATIONS, "deleteTransformationParameter", lacking, "OutputDirectories")
    for transformation in (lacking, having):
        by_hand(gateway, transformation, "Status", "Cleaning")
    system.until(lambda: status_of(gateway, having) == "Cleaned")
    # one more turn of the agent, which takes them in the order of their numbers
    last = gateway.create_transformation(spec(unique())).id
    gateway.clean_transformation(last)
    system.until(lambda: status_of(gateway, last) == "Cleaned")
    assert status_of(gateway, lacking) == "Cleaning"

    gateway.clean_transformation(lacking)
    system.until(lambda: status_of(gateway, lacking) == "Cleaned")


def of_a_shared_directory_it_removes_what_carries_the_id(system: System) -> None:
    gateway, mark = system.gateway(), unique()
    directory = DirectorySpec(path=f"/sim/contract/{mark}", metadata={"run": mark})
    own = (directory.path,)
    gateway.prepare_directories([directory])
    first, second = (
        gateway.create_transformation(
            spec(unique(), directories=(directory,), output_directories=own)
        ).id
        for _ in range(2)
    )
    gone = signed(system, directory.path, "first", first)
    stays = [signed(system, directory.path, "second", second), f"{directory.path}/unsigned"]
    system.register(stays[1], {})
    gateway.clean_transformation(first)
    system.until(lambda: status_of(gateway, first) == "Cleaned")
    system.until(lambda: existing(system, [gone, *stays]) == set(stays))


def below_a_directory_with_the_eight_digits_it_removes_everything(system: System) -> None:
    """Why a directory that two share, or that holds the digits by chance, must not be named."""
    gateway, mark = system.gateway(), unique()
    made = gateway.create_transformation(spec(unique())).id
    within = DirectorySpec(path=f"/sim/contract/{mark}/{made:08d}/deep", metadata={"run": mark})
    sibling = DirectorySpec(path=f"/sim/contract/{mark}/{made}", metadata={"run": mark})
    gateway.prepare_directories([within, sibling])
    gone, stays = f"{within.path}/file", f"{sibling.path}/file"
    for lfn in (gone, stays):
        system.register(lfn, {})
    named = [f"/sim/contract/{mark}/{made:08d}", sibling.path]
    by_hand(gateway, made, "OutputDirectories", str(named))
    gateway.clean_transformation(made)
    system.until(lambda: status_of(gateway, made) == "Cleaned")
    system.until(lambda: existing(system, [gone, stays]) == {stays})


SENTENCES = (
    without_output_directories_it_is_never_cleaned,
    of_a_shared_directory_it_removes_what_carries_the_id,
    below_a_directory_with_the_eight_digits_it_removes_everything,
)
