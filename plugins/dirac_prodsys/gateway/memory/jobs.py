"""Reports the jobs of the in-memory grid, and ends them, as DIRAC's services do.

Invariant: the state of a job follows from its task; nothing moves here.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

from dirac_prodsys.core.grid.status import TaskStatus
from dirac_prodsys.gateway.memory.tables import Tables, Task


class MemoryJobs:
    """The services ``WorkloadManagement/JobMonitoring`` and ``JobManager`` of a grid."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def serve_getJobsStatus(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "Status")

    def serve_getJobsMinorStatus(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "MinorStatus")

    def serve_getJobsApplicationStatus(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "ApplicationStatus")

    def serve_getJobsSites(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "Site")

    def serve_getJobParameters(self, jobs: list[int], name: str) -> dict[int, dict[str, str]]:
        ended = {
            task.job: task
            for transformation in self.tables.transformations.values()
            for task in transformation.tasks.values()
            if task.good is not None and task.ends is not None
        }
        seconds = {"WallClockTime(s)": 60.0, "TotalCPUTime(s)": 45.5}[name]
        return {job: {name: str(seconds)} if job in ended else {} for job in jobs}

    def serve_deleteJob(self, jobs: list[int]) -> list[int]:
        for transformation in self.tables.transformations.values():
            for task in transformation.tasks.values():
                if task.good is None and task.job in jobs:
                    task.good = False
        return jobs

    def _words(self, jobs: list[int], name: str) -> dict[int, dict[str, str]]:
        submitted = {
            task.job: task
            for transformation in self.tables.transformations.values()
            for task in transformation.tasks.values()
            if task.ends is not None
        }
        return {job: {name: _job_words(submitted[job])[name]} for job in jobs if job in submitted}


def _job_words(task: Task) -> dict[str, str]:
    status, minor = {
        None: (TaskStatus.RUNNING, "Application"),
        True: (TaskStatus.DONE, "Execution Complete"),
        False: (TaskStatus.FAILED, "Application Finished With Errors"),
    }[task.good]
    return {
        "Status": str(status),
        "MinorStatus": task.minor or minor,
        "ApplicationStatus": task.application or "Unknown",
        "Site": task.site,
    }
