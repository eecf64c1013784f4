"""What the in-memory grid tells of single files, tasks and jobs, as DIRAC's services do.

Invariant: it only shows and sets rows; nothing moves here.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core.status import TaskStatus

if TYPE_CHECKING:
    from dirac_prodsys.gateway.memory_grid import MemoryGrid
    from dirac_prodsys.gateway.memory_tables import Task, Transformation


class FileAndTaskRows:
    """Mix-in of :class:`MemoryGrid`: rows of attached files and of tasks."""

    now: float
    file_ids: dict[str, int]
    log: list[tuple[int, str]]
    log_marks: list[tuple[str, float]]

    def _of(self, transformation: int | str) -> Transformation:
        raise NotImplementedError

    def serve_getTransformationFiles(
        self,
        where: dict[str, Any],
        older: Any = None,
        newer: Any = None,
        time_stamp: Any = None,
        order: Any = None,
        limit: Any = None,
        offset: Any = None,
        columns: list[str] | None = None,
    ) -> str:
        found = self._of(where["TransformationID"])
        rows = [
            {
                "FileID": self.file_ids.setdefault(lfn, len(self.file_ids) + 1),
                "LFN": lfn,
                "Status": str(attached.status),
                "TaskID": attached.task or None,
                "ErrorCount": attached.errors,
            }
            for lfn, attached in found.files.items()
        ]
        rest = {name: value for name, value in where.items() if name != "TransformationID"}
        wanted = [{c: row[c] for c in columns or row} for row in rows if _fits(row, rest)]
        return json.dumps({"OK": True, "Value": wanted})

    def serve_getTransformationTasks(
        self,
        where: dict[str, Any],
        older: Any = None,
        newer: Any = None,
        time_stamp: Any = None,
        order: Any = None,
        limit: int | None = None,
        input_vector: bool = False,
    ) -> list[dict[str, Any]]:
        found = self._of(where["TransformationID"])
        rows = [
            {
                "TaskID": task.id,
                "TransformationID": task.transformation,
                "ExternalStatus": str(task.status),
                "ExternalID": "0" if task.ends is None else str(job_id(task)),
                **({"InputVector": ";".join(task.lfns)} if input_vector else {}),
            }
            for task in found.tasks.values()
        ]
        rest = {name: value for name, value in where.items() if name != "TransformationID"}
        fitting = [row for row in rows if _fits(row, rest)]
        if order == "TaskID:DESC":
            fitting.reverse()
        return fitting[:limit]

    def serve_setTaskStatusAndWmsID(
        self, transformation: int, number: int, status: str, job: str
    ) -> None:
        task = self._of(transformation).tasks[number]
        task.status = TaskStatus(status)
        if job == "0":
            task.ends = None

    def serve_setFileStatusForTransformation(
        self, transformation: int, new: dict[int, list[Any]]
    ) -> None:
        files = self._of(transformation).files
        names = {number: lfn for lfn, number in self.file_ids.items()}
        for number, (status, failed) in new.items():
            attached = files[names[int(number)]]
            attached.status = status
            attached.errors += bool(failed)
            attached.updated = self.now

    def serve_setTaskStatus(self, transformation: int, tasks: list[int], status: str) -> None:
        found = self._of(transformation).tasks
        for number in tasks:
            found[number].status, found[number].updated = status, self.now

    def serve_getAdditionalParameters(self, transformation: int) -> dict[str, Any]:
        return dict(self._of(transformation).parameters)

    def serve_getTransformationLogging(self, transformation: int) -> list[dict[str, Any]]:
        self._of(transformation)
        return [
            {"Message": text, "Author": author, "MessageDate": datetime.fromtimestamp(at, UTC)}
            for (number, text), (author, at) in zip(self.log, self.log_marks, strict=True)
            if number == int(transformation)
        ]


class MemoryJobs:
    """The services ``WorkloadManagement/JobMonitoring`` and ``JobManager`` of a grid."""

    def __init__(self, grid: MemoryGrid) -> None:
        self.grid = grid

    def serve_getJobsStatus(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "Status")

    def serve_getJobsMinorStatus(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "MinorStatus")

    def serve_getJobsApplicationStatus(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "ApplicationStatus")

    def serve_getJobsSites(self, jobs: list[int]) -> dict[int, dict[str, str]]:
        return self._words(jobs, "Site")

    def serve_deleteJob(self, jobs: list[int]) -> list[int]:
        for transformation in self.grid.transformations.values():
            for task in transformation.tasks.values():
                if task.good is None and job_id(task) in jobs:
                    task.good = False
        return jobs

    def _words(self, jobs: list[int], name: str) -> dict[int, dict[str, str]]:
        submitted = {
            job_id(task): task
            for transformation in self.grid.transformations.values()
            for task in transformation.tasks.values()
            if task.ends is not None
        }
        return {job: {name: _job_words(submitted[job])[name]} for job in jobs if job in submitted}


def job_id(task: Task) -> int:
    """The ID of a task's job."""
    return task.transformation * 1_000_000 + task.id


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


def _fits(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(
        row[name] in (wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in where.items()
    )
