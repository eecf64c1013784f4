"""Cleaning and deleting on the whole of DIRAC, by its own agent with its own defaults.

Jobs are killed, files and replicas are gone from the catalogue and the disk, and whatever another
transformation, run or person has put there stays, in the same directories too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from tests.contract.cleaning import SENTENCES
from tests.contract.systems import OnDirac, System
from tests.e2e.acting import command, words
from tests.e2e.site import WAIT_FOR, Site
from tests.patience import until

NAME, GONE, STAYS, BESIDE = "cleaned", "gone", "stays", "cancelled_clean"
STEPS = ("make", "merge", "shared", "hold")
KILLED = {"Killed", "Deleted"}

FILES = """\
{step}:
  {kind}
  job: {{type: script, executable: sh, arguments: "-c '{does} > {step}_@{{PRODUCTION_ID}}_@{{JOB_ID}}.txt'", cpu_time: 600}}
  output:
    directory: {directory}
    se: DISK-A-SE
    metadata: {{production: {name}, step: {step}{run}}}
    files: ["{step}_@{{PRODUCTION_ID}}_@{{JOB_ID}}.txt"]
"""  # noqa: E501
OF_THE_RUN = ', run: "${{ run }}"'


def making(
    name: str,
    step: str,
    *,
    kind: str = "type: MCSimulation\n  tasks: 2",
    does: str = "echo made",
    shared: bool = False,
) -> str:
    """A step whose jobs leave a file each; shared: in a directory that all runs have."""
    run = "" if shared else "/${{ run }}"
    return FILES.format(
        name=name,
        step=step,
        kind=kind,
        does=does,
        directory=f"/sim/{name}{run}/{step}",
        run="" if shared else OF_THE_RUN,
    )


class Remains:
    """What is in the catalogue, on the disk and in the WMS."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.gateway = OnDirac(site.grid).gateway()

    def id(self, run: str, step: str, name: str = NAME) -> int:
        """TransformationID of a step of a run."""
        ((number, _status),) = self.site.rows(name, run, step)
        return int(number)

    def status(self, run: str, step: str, name: str = NAME) -> str:
        """Its status in DIRAC."""
        ((_number, status),) = self.site.rows(name, run, step)
        return str(status)

    def on_disk(self, directory: str) -> set[str]:
        """LFNs of the files that the disk has below a directory."""
        disk = self.site.grid.state.storage / "DISK-A-SE"
        found = (disk / directory.lstrip("/")).rglob("*.txt")
        return {f"/{path.relative_to(disk)}" for path in found}

    def made(self, run: str, step: str, name: str = NAME) -> set[str]:
        """LFNs that the jobs of a step of a run have left."""
        mark = f"{step}_{self.id(run, step, name):08d}_"
        return {lfn for lfn in self.on_disk(f"/sim/{name}") if Path(lfn).name.startswith(mark)}

    def known(self, lfns: set[str]) -> set[str]:
        """Those that the catalogue has."""
        return set(self.gateway.existing_files(sorted(lfns)))

    def jobs(self, transformation: int) -> list[str]:
        """States of its jobs, straight from the WMS's database.

        A wrapper whose job is ended reports Failed afterwards, whatever the job was set to.
        """
        with closing(self.site.database()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT Status, MinorStatus FROM JobDB.Jobs WHERE JobGroup = %s",
                (f"{transformation:08d}",),
            )
            return [
                "Killed" if minor == "Received Kill signal" else str(status)
                for status, minor in cursor.fetchall()
            ]


@pytest.fixture(scope="module")
def remains(full_site: Site) -> Remains:
    """Two runs of one production, each at work on a job that does not end by itself."""
    merge = "type: Merging\n  group_size: 1\n  input: {from: make}"
    full_site.drop(
        NAME,
        making(NAME, "make"),
        making(NAME, "merge", kind=merge, does="cat make_*"),
        making(NAME, "shared", shared=True),
        # at last, as it takes a place of one of the two sites
        full_site.gated("hold").replace("  type: MC", "  after: [merge, shared]\n  type: MC"),
    )
    for run in (GONE, STAYS):
        full_site.begin(NAME, run)
    found = Remains(full_site)

    def at_work() -> bool:
        begun = all(full_site.rows(NAME, run, step) for run in (GONE, STAYS) for step in STEPS)
        return (
            begun
            and all(
                len(found.made(run, step)) == 2
                for run in (GONE, STAYS)
                for step in ("make", "merge", "shared")
            )
            and bool(found.jobs(found.id(GONE, "hold")))
        )

    until("files of both runs, and a job that waits", 900, at_work, each=1.0)
    return found


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.__name__)
def test_diracs_agent_cleans_as_the_one_in_memory(
    full_site: Site, sentence: Callable[[System], None]
) -> None:
    sentence(OnDirac(full_site.grid))


@pytest.mark.timeout(1800)
def test_clean_ends_in_cleaned_and_leaves_what_is_not_its_own(
    full_site: Site, remains: Remains
) -> None:
    system = OnDirac(full_site.grid)
    numbers = {step: remains.id(GONE, step) for step in STEPS}
    own = {lfn for step in STEPS for lfn in remains.made(GONE, step)}
    foreign = f"/sim/{NAME}/{GONE}/merge/of_somebody_else.txt"
    system.register(foreign, {"split": "foreign"})
    others = {lfn for step in STEPS for lfn in remains.made(STAYS, step)} | {foreign}
    assert (len(own), len(others)) == (6, 7)
    assert remains.known(own | others) == own | others
    kept = DatasetSpec(
        name=f"/sim/datasets/{NAME}_kept", query=MetaQuery.parse({"split": "foreign"})
    )
    assert remains.gateway.create_dataset(kept).files == 1

    given = ("--run", GONE, "--reason", "a test", "--yes", "--json")
    assert words(command(full_site, "clean", NAME, *given)) == dict.fromkeys(STEPS, "done")
    until(
        "all are Cleaned",
        600,
        lambda: {remains.status(GONE, step) for step in STEPS} == {"Cleaned"},
        each=0.5,
    )
    until("its files are gone from the catalogue", 600, lambda: not remains.known(own), each=0.5)
    until("and from the disk", 60, lambda: not own & remains.on_disk(f"/sim/{NAME}"), each=0.5)
    for number in numbers.values():
        assert set(remains.jobs(number)) <= KILLED
    assert remains.known(others) == others
    assert others <= remains.on_disk(f"/sim/{NAME}")
    assert {remains.status(STAYS, step) for step in STEPS} & {"Cleaning", "Cleaned"} == set()
    assert set(remains.jobs(remains.id(STAYS, "hold"))).isdisjoint(KILLED)
    dataset = remains.gateway.find_dataset(kept.name)
    assert dataset is not None
    assert (dataset.files, dataset.frozen) == (1, True)

    deleted = command(full_site, "delete", NAME, *given)
    assert words(deleted) == dict.fromkeys(STEPS, "done")
    assert [full_site.rows(NAME, GONE, step) for step in STEPS] == [[], [], [], []]
    assert remains.known(others) == others
    again = command(full_site, "delete", NAME, *given)
    assert (again.returncode, "no transformation of ours" in again.stderr) == (4, True)
    for run in (GONE, STAYS):  # their jobs hold half of all places
        full_site.open_gate(NAME, run)


@pytest.mark.timeout(1800)
def test_a_cancelled_run_that_is_to_be_cleaned_ends_in_cleaned(
    full_site: Site, remains: Remains
) -> None:
    cancel: dict[str, Any] = {"facts": "on_cancel: {action: clean, confirm: true}"}
    # the first job ends, the second one stays at work
    gate = full_site.gates / f"{BESIDE}__{GONE}"
    does = f"test @{{JOB_ID}} = 00000001 || sh {WAIT_FOR} {gate}; echo made"
    full_site.drop(BESIDE, making(BESIDE, "make", does=does), **cancel)
    full_site.begin(BESIDE, GONE)

    def at_work() -> bool:
        made = rows(full_site) and remains.made(GONE, "make", BESIDE)
        # a job that is killed while its wrapper says good-bye is Done all the same
        ended = {"Done", "Running"}
        return bool(made) and set(remains.jobs(remains.id(GONE, "make", BESIDE))) == ended

    until("a file, and a job at work", 600, at_work, each=0.5)
    number = remains.id(GONE, "make", BESIDE)
    full_site.mark_run(BESIDE, GONE, "failed")
    until("it is Cleaned", 600, lambda: rows(full_site)[0][1] == "Cleaned", each=0.5)
    until("its jobs are killed", 120, lambda: set(remains.jobs(number)) <= KILLED, each=0.5)
    until("no file is left", 600, lambda: not remains.made(GONE, "make", BESIDE), each=0.5)
    given = ("--run", GONE, "--reason", "a test", "--yes", "--json")
    assert words(command(full_site, "delete", BESIDE, *given)) == {"make": "done"}
    assert rows(full_site) == []
    full_site.open_gate(BESIDE, GONE)  # a job that is killed by name may still be there


def rows(site: Site) -> list[tuple[Any, ...]]:
    """ID and status of the cancelled run's step."""
    return site.rows(BESIDE, GONE, "make")
