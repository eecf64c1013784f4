"""``OutputDirectories`` on every transformation, and the in-memory cleaning agent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, DirectorySpec
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.verbs.parameters import as_written
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.cleaning import SENTENCES
from tests.contract.systems import (
    Gateway,
    InMemory,
    Interrupted,
    System,
    by_hand,
    lost,
    spec,
    status_of,
    unique,
)

NAME = "OutputDirectories"


def stored_directories(gateway: Gateway, transformation: int) -> object:
    """What was written for DIRAC's agent."""
    kept = gateway.services.call(TRANSFORMATIONS, "getAdditionalParameters", transformation)
    return as_written(kept[NAME])


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.__name__)
def test_the_agent_in_memory_cleans_as_diracs_does(sentence: Callable[[System], None]) -> None:
    sentence(InMemory())


def test_every_transformation_names_its_own_directories_in_the_form_that_the_agent_reads(
    gateway: Gateway,
) -> None:
    path = f"/sim/contract/{unique()}/{TRANSFORMATION_ID}"
    directory = DirectorySpec(path=path, metadata={})
    none = gateway.create_transformation(spec(unique())).id
    some = gateway.create_transformation(
        spec(unique(), directories=(directory,), output_directories=(path, "/sim/contract/it's"))
    ).id
    assert stored_directories(gateway, none) == "[]"
    assert stored_directories(gateway, some) == str([directory.of(some).path, "/sim/contract/it's"])


def test_one_that_lacks_them_gets_them_when_it_is_adopted(gateway: Gateway) -> None:
    wanted = spec(unique(), output_directories=("/sim/contract/own",))
    made = gateway.create_transformation(wanted).id
    gateway.services.call(TRANSFORMATIONS, "deleteTransformationParameter", made, NAME)
    again = gateway.create_transformation(wanted)
    assert (again.id, again.adopted) == (made, True)
    assert stored_directories(gateway, made) == "['/sim/contract/own']"


def test_a_directory_that_another_step_writes_to_meanwhile_is_named_no_more(
    gateway: Gateway,
) -> None:
    wanted = spec(unique(), output_directories=("/sim/contract/own",))
    made = gateway.create_transformation(wanted).id
    again = gateway.create_transformation(wanted.model_copy(update={"output_directories": ()}))
    assert again.adopted
    assert stored_directories(gateway, made) == "[]"


@pytest.mark.parametrize("before", [True, False])
def test_whoever_dies_over_them_leaves_them_to_the_next_attempt(
    gateway: Gateway, before: bool
) -> None:
    wanted = spec(unique())
    real = gateway.services
    gateway.services = Interrupted(real, "setTransformationParameter", lost(), before=before)
    with pytest.raises(GatewayUnavailable):
        gateway.create_transformation(wanted)
    gateway.services = real
    assert stored_directories(gateway, gateway.create_transformation(wanted).id) == "[]"


@pytest.mark.parametrize("state", ["Active", "Cleaning"])
def test_cleaning_one_that_others_made_says_that_it_has_none(gateway: Gateway, state: str) -> None:
    made = gateway.create_transformation(spec(unique())).id
    gateway.services.call(TRANSFORMATIONS, "deleteTransformationParameter", made, NAME)
    by_hand(gateway, made, "Status", state)
    gateway.clean_transformation(made)
    assert stored_directories(gateway, made) == "[]"


def test_cleaning_keeps_what_others_have_written(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique())).id
    by_hand(gateway, made, NAME, "['/sim/contract/theirs']")
    gateway.clean_transformation(made)
    assert stored_directories(gateway, made) == "['/sim/contract/theirs']"


def test_jobs_that_have_not_ended_are_killed_before_it_is_cleaned() -> None:
    """DIRAC's agent kills by chance only those that it has to kill twice in one second."""
    grid = InMemory()
    gateway = grid.gateway()
    made = gateway.create_transformation(spec(unique(), type="MCSimulation", tasks=3)).id
    gateway.ensure_tasks(made, 3)
    gateway.start_transformation(made)
    grid.until(lambda: gateway.snapshot([made])[made].tasks == {"Running": 3})
    grid.grid.stopped_agents.add("cleaning")
    gateway.clean_transformation(made)
    assert gateway.snapshot([made])[made].tasks == {"Killed": 3}
    rows = gateway.services.call(
        TRANSFORMATIONS, "getTransformationTasks", {"TransformationID": made}
    )
    assert {row["ExternalID"] for row in rows} == {"0"}


def test_without_a_job_manager_killing_is_left_to_the_agent(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation", tasks=1)).id
    gateway.ensure_tasks(made, 1)
    gateway.start_transformation(made)
    real = gateway.services
    gateway.services = Interrupted(real, "deleteJob", lost(), before=True)
    gateway.clean_transformation(made)
    gateway.services = real
    assert status_of(gateway, made) == "Cleaning"
