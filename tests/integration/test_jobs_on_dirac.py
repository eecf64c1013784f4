"""What job monitoring tells, and sites that are avoided, with DIRAC's own WMS and two sites."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dirac_prodsys.core.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.reading import report_on
from sandbox import Grid
from tests.contract.systems import OnDirac, unique

GOOD, BAD = "SIM.SiteB.org", "SIM.SiteA.org"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiracGateway]:
    with Grid(tmp_path_factory.mktemp("full-grid"), profile="full") as grid:
        gateway = OnDirac(grid).gateway()
        assert isinstance(gateway, DiracGateway)
        yield gateway


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
    give_up = time.monotonic() + 180
    while not set(gateway.snapshot([made])[made].tasks) <= {"Done", "Failed"}:
        if time.monotonic() > give_up:
            pytest.fail(f"jobs did not end: {gateway.snapshot([made])[made].tasks}")
        time.sleep(0.5)
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
