"""What job monitoring tells, and sites that are avoided, with DIRAC's own WMS and two sites."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

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
from tests.patience import patience, until

pytestmark = pytest.mark.grid

GOOD, BAD = "SIM.SiteB.org", "SIM.SiteA.org"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDirac]:
    with Grid(tmp_path_factory.mktemp("full-grid"), profile="full") as grid:
        yield OnDirac(grid)


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


@pytest.mark.parametrize("group_size", [1, 5], ids=["full groups", "a rest that is flushed"])
def test_a_job_that_always_fails_costs_as_many_jobs_as_declared_with_diracs_file_monitoring(
    system: OnDirac, gateway: DiracGateway, group_size: int
) -> None:
    mark, most = unique(), 3
    folder = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=folder, metadata={"run": mark})])
    for name in ("one", "two"):
        system.register(f"{folder}/{name}", {})
    query = MetaQuery.parse({"run": mark})
    command = Command(executable="/bin/false")
    body = JobSpec(name="j", job_type="Merging", commands=(command,), cpu_time=600)
    asked = TransformationSpec(
        name=mark,
        description="",
        type="Merging",
        body=body,
        group_size=group_size,
        input_query=query,
    )
    rules = StepRules(True, recovery=RecoveryRules(max_resets=most)).shaped(asked)
    made = gateway.create_transformation(asked).id
    gateway.start_transformation(made)
    history, give_up = History(), time.monotonic() + patience(540)
    while True:
        seen = gateway.snapshot([made])[made].with_catalogue(gateway.count_files(query))
        now = time.time()
        verdict, history = judge(seen, rules, history, now=now, quiet_seconds=4, inputs_final=True)
        if verdict.kind in ("recover", "flush"):
            outcome = recover(gateway, made, body, rules)
            print(verdict.reason, outcome.lines(), dict(seen.failed_files))
            history = outcome.remembered(history, now)
            if verdict.kind == "flush" and gateway.flush_transformation(made):
                history = history.flushed(now)
        elif verdict.kind == "fail":
            break
        assert time.monotonic() < give_up, (verdict, seen)
        time.sleep(0.5)
    assert "2 MaxReset" in verdict.reason
    tasks = gateway.tasks(made)
    ran = gateway.job_states([task.job for task in tasks.values()])
    assert {state.status for state in ran.values()} == {"Failed"}
    inputs = gateway.task_inputs(made, sorted(tasks))
    files = Counter(
        lfn for number, task in tasks.items() if task.job in ran for lfn in inputs[number]
    )
    assert files == {f"{folder}/{name}": 1 + most for name in ("one", "two")}
