"""Jobs of DIRAC's own WMS with two sites: they run, are monitored, fail, and avoid sites."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.procedures.reports import report_on
from tests.contract.systems import OnDirac, unique
from tests.e2e.site import Site
from tests.integration.two_steps import assert_worked, work
from tests.patience import until

GOOD, BAD = "SIM.SiteB.org", "SIM.SiteA.org"


@pytest.fixture(scope="module")
def system(full_site: Site) -> OnDirac:
    return OnDirac(full_site.grid)


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
def test_full_jobs_run_fail_and_are_taken_up_again(full_site: Site, tmp_path: Path) -> None:
    assert_worked(work(full_site.grid, tmp_path, "ctao", 300))


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
