"""Why jobs are killed before DIRAC's cleaning agent comes to them: by DIRAC's own code for it.

Only its databases are stood in for: the table of commands has the primary key of ``JobDB.sql``, job
and second, and the clock stands still.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from DIRAC import S_ERROR, S_OK
from DIRAC.WorkloadManagementSystem.DB.StatusUtils import kill_delete_jobs
from DIRAC.WorkloadManagementSystem.Service.JobPolicy import RIGHT_DELETE, RIGHT_KILL

from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.verbs.job_killing import FEW, kill_jobs
from dirac_prodsys.gateway.verbs.services import JOB_MANAGER

LIVE = ("Waiting", "Running", "Matched", "Rescheduled", "Stalled", "Completing")


class Site:
    """The WMS's tables, and the tasks of one transformation, a job each."""

    def __init__(self, *states: str) -> None:
        self.jobs = dict(enumerate(states, start=101))
        self.tasks = {n: [state, str(100 + n)] for n, state in enumerate(states, start=1)}
        self.second = 0
        self.commands: set[tuple[int, int]] = set()
        self.calls: Counter[str] = Counter()
        self.refuses = False

    # -- databases, as StatusUtils uses them --

    def getJobsAttributes(self, jobs: list[int], _names: list[str]) -> Any:  # noqa: N802
        return S_OK({job: {"Status": self.jobs[job]} for job in jobs})

    def setJobCommand(self, job: int, _command: str) -> Any:  # noqa: N802
        if (job, self.second) in self.commands:
            return S_ERROR("Duplicate entry")
        self.commands.add((job, self.second))
        return S_OK()

    def setJobStatus(self, job: int, status: str, _minor: str, force: bool) -> Any:  # noqa: N802
        self.jobs[job] = status
        return S_OK()

    def deleteJob(self, _job: int) -> Any:  # noqa: N802
        return S_OK()

    def getPilotsForJobID(self, _job: int) -> Any:  # noqa: N802
        return S_OK([])

    def kill(self, right: str, jobs: list[int]) -> Any:
        """DIRAC's own."""
        databases = dict.fromkeys(("jobdb", "taskqueuedb", "pilotagentsdb"), self)
        return kill_delete_jobs(right, jobs, force=True, **databases)

    def agent(self) -> bool:
        """Whether ``TransformationCleaningAgent.__removeWMSTasks`` goes on."""
        jobs = [int(job) for _, job in self.tasks.values() if int(job)]
        passes = [self.kill(right, jobs)["OK"] for right in (RIGHT_KILL, RIGHT_DELETE)]
        return all(passes)

    # -- services --

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        self.calls[f"{service}.{method}"] += 1
        if method == "getTransformationTasks":
            wanted = arguments[0]["ExternalStatus"]
            return [
                {"TaskID": task, "ExternalStatus": status, "ExternalID": job}
                for task, (status, job) in self.tasks.items()
                if status in wanted
            ][: arguments[5]]
        if method == "setTaskStatusAndWmsID":
            _, task, status, job = arguments
            self.tasks[task] = [status, job]
            return None
        if self.refuses:
            raise GatewayRejected("not your jobs")
        if not self.kill(RIGHT_DELETE, *arguments)["OK"]:
            raise GatewayRejected("Some jobs failed deletion")
        return None


@pytest.mark.parametrize("state", LIVE)
def test_the_agent_fails_in_every_cycle_over_a_job_that_it_kills_twice_in_one_second(
    state: str,
) -> None:
    site = Site("Done", state)
    for site.second in range(5):
        assert not site.agent()
    assert site.jobs == {101: "Deleted", 102: "Deleted"}


@pytest.mark.parametrize("state", LIVE)
def test_after_we_have_killed_them_it_goes_on(state: str) -> None:
    site = Site("Done", state, "Failed", "Running")
    assert kill_jobs(site, 7) == 2
    assert site.agent()
    assert set(site.jobs.values()) == {"Deleted"}
    assert kill_jobs(site, 7) == 0


def test_jobs_that_have_ended_are_left_to_it() -> None:
    site = Site("Done", "Failed", "Completed")
    assert kill_jobs(site, 7) == 0
    assert site.calls[f"{JOB_MANAGER}.deleteJob"] == 0
    assert [job for _, job in site.tasks.values()] == ["101", "102", "103"]


def test_who_must_not_kill_them_leaves_all_as_it_is() -> None:
    site = Site("Running")
    site.refuses = True
    assert kill_jobs(site, 7) == 0
    assert (site.jobs, site.tasks) == ({101: "Running"}, {1: ["Running", "101"]})


def test_many_jobs_are_left_to_it_as_it_takes_longer_than_a_second_over_them() -> None:
    site = Site(*["Running"] * (FEW + 1))
    assert kill_jobs(site, 7) == 0
    assert set(site.jobs.values()) == {"Running"}
