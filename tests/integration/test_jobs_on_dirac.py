"""Jobs of DIRAC's own WMS with two sites: they run, are monitored, fail, and avoid sites."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import Command, DirectorySpec, JobSpec, TransformationSpec
from dirac_prodsys.core.policy import History, StepRules, judge
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.rules import RecoveryRules
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.procedures.recovery import recover
from dirac_prodsys.gateway.procedures.reports import report_on
from sandbox import Grid
from tests.contract.systems import OnDirac, unique
from tests.integration.two_steps import assert_worked, work
from tests.patience import until

pytestmark = pytest.mark.grid

GOOD, BAD = "SIM.SiteB.org", "SIM.SiteA.org"


@pytest.fixture(scope="module")
def full_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    with Grid(tmp_path_factory.mktemp("full-grid"), profile="full") as grid:
        facts = grid.status()
        assert facts["up"]
        assert len(facts["services"]) == 17
        yield grid
    assert grid.processes.marked() == []
    assert list(grid.state.proxies.iterdir()) == []


@pytest.fixture(scope="module")
def system(full_grid: Grid) -> OnDirac:
    return OnDirac(full_grid)


@pytest.fixture(scope="module")
def gateway(system: OnDirac) -> DiracGateway:
    gateway = system.gateway()
    assert isinstance(gateway, DiracGateway)
    return gateway


def ended(gateway: DiracGateway, executable: str, tasks: int, avoid: tuple[str, ...] = ()) -> int:
    """A transformation whose jobs have all ended."""
    command = Command(executable=executable)
    body = JobSpec(name="j", job_type="MCSimulation", commands=(command,), cpu_time=600)
    asked = TransformationSpec(
        name=unique(), description="", type="MCSimulation", body=body, tasks=tasks
    )
    made = gateway.create_transformation(asked).id
    if avoid:
        gateway.avoid_sites(made, avoid)
    gateway.ensure_tasks(made, tasks)
    gateway.start_transformation(made)
    until(
        "the end of all jobs",
        180,
        lambda: set(gateway.snapshot([made])[made].tasks) <= {"Done", "Failed"},
        each=0.5,
    )
    return made


@pytest.mark.timeout(900)
def test_full_jobs_run_fail_and_are_taken_up_again(full_grid: Grid, tmp_path: Path) -> None:
    assert_worked(work(full_grid, tmp_path, "ctao", 300))


def test_the_report_is_made_of_what_job_monitoring_says(gateway: DiracGateway) -> None:
    made = ended(gateway, "/bin/false", tasks=2)
    report = report_on(gateway, made, "two failures")
    assert report is not None
    assert report.note == ""
    assert report.by_status() == {"Failed": 2}
    (cause,) = report.causes()
    assert cause.text == ("Failed: Application Finished With Errors: false Exited With Status 1")
    assert {row.site for row in report.rows} <= {GOOD, BAD}
    assert gateway.job_states([987654321]) == {}


def test_jobs_go_to_no_site_that_is_avoided(gateway: DiracGateway) -> None:
    made = ended(gateway, "/bin/true", tasks=6, avoid=(BAD,))
    jobs = [task.job for task in gateway.tasks(made).values()]
    states = gateway.job_states(jobs)
    assert len(states) == 6
    assert {state.site for state in states.values()} == {GOOD}


class AlwaysFailing:
    """A step over two files whose jobs fail; it is judged and recovered as a wait does it."""

    def __init__(self, system: OnDirac, gateway: DiracGateway, group_size: int, most: int) -> None:
        self.gateway = gateway
        mark = unique()
        self.folder = f"/sim/contract/{mark}"
        gateway.prepare_directories([DirectorySpec(path=self.folder, metadata={"run": mark})])
        for name in ("one", "two"):
            system.register(f"{self.folder}/{name}", {})
        self.query = MetaQuery.parse({"run": mark})
        command = Command(executable="/bin/false")
        self.body = JobSpec(name="j", job_type="Merging", commands=(command,), cpu_time=600)
        asked = TransformationSpec(
            name=mark,
            description="",
            type="Merging",
            body=self.body,
            group_size=group_size,
            input_query=self.query,
        )
        self.rules = StepRules(True, recovery=RecoveryRules(max_resets=most)).shaped(asked)
        self.made = gateway.create_transformation(asked).id
        gateway.start_transformation(self.made)
        self.history = History()
        self.reason = ""

    def look(self) -> bool:
        """Do what is to be done now; return whether the step has failed."""
        if self.reason:
            return True
        seen = self.gateway.snapshot([self.made])[self.made]
        seen, now = seen.with_catalogue(self.gateway.count_files(self.query)), time.time()
        verdict, self.history = judge(
            seen, self.rules, self.history, now=now, quiet_seconds=4, inputs_final=True
        )
        if verdict.kind in ("recover", "flush"):
            outcome = recover(self.gateway, self.made, self.body, self.rules)
            print(self.made, verdict.reason, outcome.lines(), dict(seen.failed_files))
            self.history = outcome.remembered(self.history, now)
            if verdict.kind == "flush" and self.gateway.flush_transformation(self.made):
                self.history = self.history.flushed(now)
        elif verdict.kind == "fail":
            self.reason = verdict.reason
        return bool(self.reason)

    def jobs_of_files(self) -> Counter[str]:
        """Return by LFN the number of jobs that ran on it, all of which failed."""
        tasks = self.gateway.tasks(self.made)
        ran = self.gateway.job_states([task.job for task in tasks.values()])
        assert {state.status for state in ran.values()} == {"Failed"}
        inputs = self.gateway.task_inputs(self.made, sorted(tasks))
        return Counter(
            lfn for number, task in tasks.items() if task.job in ran for lfn in inputs[number]
        )


def test_a_job_that_always_fails_costs_as_many_jobs_as_declared_with_diracs_file_monitoring(
    system: OnDirac, gateway: DiracGateway
) -> None:
    most = 3
    # full groups, and a rest that is flushed
    steps = [AlwaysFailing(system, gateway, group_size, most) for group_size in (1, 5)]
    until("the failure of both", 540, lambda: sum(step.look() for step in steps) == 2, each=0.5)
    for step in steps:
        assert "2 MaxReset" in step.reason
        wanted = {f"{step.folder}/{name}": 1 + most for name in ("one", "two")}
        assert step.jobs_of_files() == wanted
