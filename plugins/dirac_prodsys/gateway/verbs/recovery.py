"""Implements the verbs about single files, tasks and jobs, in calls of three services.

Invariant: a file is changed only if its state is still the one the decision was based on. The
service sets any state over any other; its clients keep the rules of file states
(``TransformationClient._applyTransformationFilesStateMachine``, 9.1), and so does this module.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from dirac_prodsys.core.grid.jobs import JobState, JobTimes
from dirac_prodsys.core.grid.status import BAD_TASKS, FINAL_TASKS, FileStatus, TaskStatus
from dirac_prodsys.core.policy import GONE_FILES
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.consistency import LiveTask
from dirac_prodsys.core.recovery.decisions import StrandedFile, TaskState, is_barred
from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.bodies.banned_sites import avoided_sites, avoiding
from dirac_prodsys.gateway.records import ComparedFiles, FileChange, StoredFiles
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.parameters import as_written
from dirac_prodsys.gateway.verbs.replies import packed_value
from dirac_prodsys.gateway.verbs.services import (
    CATALOGUE,
    FILE_CHUNK,
    JOBS,
    TRANSFORMATIONS,
    chunks,
)

#: tasks and jobs in one call
TASK_CHUNK, JOB_CHUNK = 2000, 1000
#: parameters that the wrapper of a job and its watchdog report (``JobWrapper.py``,
#: ``Watchdog.py``, 9.1)
_CPU_TIME, _WALL_TIME = "TotalCPUTime(s)", "WallClockTime(s)"
#: tasks with their files in one call; the service looks up the files of each separately
_WITH_FILES_CHUNK = 500

_LIVE = [str(status) for status in TaskStatus if status not in FINAL_TASKS]

_COLUMNS = ["FileID", "LFN", "Status", "TaskID", "ErrorCount"]

T = TypeVar("T")


class RecoveryVerbs(CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` about single files, tasks and jobs."""

    def attached_files(self, transformation: int, states: Sequence[str]) -> list[StrandedFile]:
        """See :meth:`ProductionGateway.attached_files`."""
        rows = self._file_rows({"TransformationID": transformation, "Status": list(states)})
        return [_stranded(row) for row in rows]

    def compare_files(self, transformation: int, query: MetaQuery) -> ComparedFiles:
        """See :meth:`ProductionGateway.compare_files`."""
        found = set(self.find_files(query))
        rows = self._file_rows({"TransformationID": transformation})
        attached = {str(row["LFN"]): str(row["Status"]) for row in rows}
        beyond = {lfn: word for lfn, word in attached.items() if lfn not in found}
        there = self.existing_files([lfn for lfn, word in beyond.items() if word not in GONE_FILES])
        others = Counter(beyond[lfn] for lfn in there)
        return ComparedFiles(len(found - attached.keys()), dict(others))

    def follow_tasks(self, transformation: int, ended: Mapping[int, str]) -> None:
        """See :meth:`ProductionGateway.follow_tasks`."""
        by_status: dict[str, list[int]] = {}
        for task, status in sorted(ended.items()):
            by_status.setdefault(status, []).append(task)
        for status, tasks in by_status.items():
            for chunk in chunks(tasks, TASK_CHUNK):
                self._ts("setTaskStatus", transformation, chunk, status)

    def tasks(
        self, transformation: int, numbers: Sequence[int] | None = None
    ) -> dict[int, TaskState]:
        """See :meth:`ProductionGateway.tasks`."""
        where: dict[str, Any] = {"TransformationID": transformation}
        if numbers is None:
            conditions = [where]
        else:
            parts = chunks(sorted(set(numbers)), TASK_CHUNK)
            conditions = [{**where, "TaskID": chunk} for chunk in parts]
        found = {}
        for condition in conditions:
            for row in self._ts("getTransformationTasks", condition):
                task = _task(row)
                found[task.id] = task
        return found

    def failed_tasks(self, transformation: int, most: int) -> list[TaskState]:
        """See :meth:`ProductionGateway.failed_tasks`."""
        where = {"TransformationID": transformation, "ExternalStatus": sorted(map(str, BAD_TASKS))}
        which = (None, None, "CreationTime", "TaskID:DESC", most)
        rows = self._ts("getTransformationTasks", where, *which)
        return [_task(row) for row in rows]

    def live_tasks(self, transformation: int, limit: int) -> list[LiveTask]:
        """See :meth:`ProductionGateway.live_tasks`."""
        where = {"TransformationID": transformation, "ExternalStatus": _LIVE}
        arguments = (where, None, None, "CreationTime", "TaskID", limit, True)
        rows = self._ts("getTransformationTasks", *arguments)
        now = self._utc_now()
        return [_live(row, now) for row in rows]

    def task_inputs(
        self, transformation: int, numbers: Sequence[int]
    ) -> dict[int, tuple[str, ...]]:
        """See :meth:`ProductionGateway.task_inputs`."""
        found = {}
        for chunk in chunks(sorted(set(numbers)), _WITH_FILES_CHUNK):
            where = {"TransformationID": transformation, "TaskID": chunk}
            arguments = (where, None, None, "CreationTime", "TaskID", None, True)
            for row in self._ts("getTransformationTasks", *arguments):
                found[int(row["TaskID"])] = _inputs(row)
        return found

    def job_states(self, jobs: Sequence[int]) -> dict[int, JobState]:
        """See :meth:`ProductionGateway.job_states`."""
        found = {}
        for chunk in chunks(sorted(set(jobs)), JOB_CHUNK):
            words = {
                name: self._of_jobs(method, chunk, name)
                for method, name in (
                    ("getJobsStatus", "Status"),
                    ("getJobsMinorStatus", "MinorStatus"),
                    ("getJobsApplicationStatus", "ApplicationStatus"),
                    ("getJobsSites", "Site"),
                )
            }
            for job, status in words["Status"].items():
                minor, application, site = (
                    words[name].get(job, "")
                    for name in ("MinorStatus", "ApplicationStatus", "Site")
                )
                found[job] = JobState(job, status, minor, application, site)
        return found

    def job_times(self, jobs: Sequence[int]) -> dict[int, JobTimes]:
        """See :meth:`ProductionGateway.job_times`."""
        found: dict[int, JobTimes] = {}
        for chunk in chunks(sorted(set(jobs)), JOB_CHUNK):
            cpu, wall = (self._seconds_of_jobs(chunk, name) for name in (_CPU_TIME, _WALL_TIME))
            for job in cpu.keys() | wall.keys():
                found[job] = JobTimes(cpu.get(job), wall.get(job))
        return found

    def existing_files(self, lfns: Sequence[str]) -> frozenset[str]:
        """See :meth:`ProductionGateway.existing_files`."""
        found: set[str] = set()
        for chunk in chunks(sorted(set(lfns)), FILE_CHUNK):
            there = self._each("isFile", dict.fromkeys(chunk, True))
            found.update(lfn for lfn in chunk if there.get(lfn))
        return frozenset(found)

    def change_files(self, transformation: int, changes: Sequence[FileChange]) -> Mapping[str, str]:
        """See :meth:`ProductionGateway.change_files`."""
        done: dict[str, str] = {}
        for chunk in chunks(list(changes), FILE_CHUNK):
            wanted = {change.lfn: change for change in chunk}
            where = {"TransformationID": transformation, "LFN": list(wanted)}
            new: dict[int, list[Any]] = {}
            for row in self._file_rows(where):
                change = wanted[str(row["LFN"])]
                stranded = _stranded(row)
                if (stranded.status, stranded.task) != (change.was, change.task):
                    continue  # somebody else was faster
                status = _allowed(change, stranded.errors, self._reset_limit())
                failed = change.was == FileStatus.ASSIGNED and status != FileStatus.PROCESSED
                new[int(row["FileID"])] = [status, failed]
                done[change.lfn] = status
            if new:
                self._ts("setFileStatusForTransformation", transformation, new)
        return done

    def bar_resets(self, transformation: int, files: Sequence[StrandedFile]) -> frozenset[str]:
        """See :meth:`ProductionGateway.bar_resets`.

        Each call of the service raises by one. An Assigned file is written as Assigned, so DIRAC's
        file monitoring corrects a call that comes too late when it looks again.
        """
        barred: set[str] = set()
        limit = self._reset_limit()
        for chunk in chunks(list(files), FILE_CHUNK):
            tasks = {file.lfn: file.task for file in chunk}
            for _ in range(limit + 1):
                where = {"TransformationID": transformation, "LFN": list(tasks)}
                rows = [
                    row
                    for row in self._file_rows(where)
                    if row["Status"] == FileStatus.ASSIGNED
                    and int(row["TaskID"] or 0) == tasks[str(row["LFN"])]
                ]
                low = [row for row in rows if not is_barred(int(row["ErrorCount"] or 0), limit)]
                if not low:
                    barred.update(str(row["LFN"]) for row in rows)
                    break
                new = {int(row["FileID"]): [str(FileStatus.ASSIGNED), True] for row in low}
                self._ts("setFileStatusForTransformation", transformation, new)
        return frozenset(barred)

    def avoid_sites(self, transformation: int, sites: Sequence[str]) -> tuple[str, ...]:
        """See :meth:`ProductionGateway.avoid_sites`."""
        body = self._body(transformation)
        wanted = avoiding(body, sites)
        if wanted != body:
            self._ts("setTransformationParameter", transformation, "Body", wanted)
            body = self._body(transformation)
        if body != wanted:
            raise GatewayRejected(
                f"the body of transformation {transformation} is not what was written",
                "somebody else writes it; try again",
            )
        return avoided_sites(body)

    def read_note(self, transformation: int, name: str) -> str:
        """See :meth:`ProductionGateway.read_note`."""
        found = self._ts("getAdditionalParameters", transformation)
        return as_written(found.get(name, ""))

    def write_note(self, transformation: int, name: str, text: str) -> None:
        """See :meth:`ProductionGateway.write_note`."""
        self._ts("setTransformationParameter", transformation, name, text)
        if self.read_note(transformation, name) != text:
            raise GatewayRejected(
                f"parameter {name} of transformation {transformation} is not what was written",
                "somebody else writes it; try again",
            )

    def stored_files(self, directories: Sequence[str]) -> dict[str, StoredFiles]:
        """See :meth:`ProductionGateway.stored_files`."""
        found: dict[str, StoredFiles] = {}
        for chunk in chunks(sorted(set(directories)), FILE_CHUNK):
            # from the table of files: the table of sums may lag behind
            reply = self._fc("getDirectorySize", chunk, False, True, True)
            for path, why in reply["Failed"].items():
                if "not found" not in str(why):
                    raise GatewayRejected(f"{CATALOGUE}.getDirectorySize of {path}: {why}")
            for path, size in reply["Successful"].items():
                found[path] = StoredFiles(int(size["LogicalFiles"]), int(size["LogicalSize"]))
        return found

    def _body(self, transformation: int) -> str:
        return str(self._ts("getTransformation", transformation)["Body"])

    def _file_rows(self, where: dict[str, Any]) -> list[dict[str, Any]]:
        arguments = (where, None, None, "LastUpdate", None, None, None, _COLUMNS)
        text = self._ts("getTransformationFiles", *arguments)
        rows: list[dict[str, Any]] = packed_value(text, f"{TRANSFORMATIONS}.getTransformationFiles")
        return rows

    def _seconds_of_jobs(self, jobs: list[int], name: str) -> dict[int, float]:
        """Return a parameter that jobs' wrappers report; what is no number is left out."""
        reply = self.services.call(JOBS, "getJobParameters", jobs, name)
        found = {}
        for job, words in reply.items():
            with contextlib.suppress(KeyError, TypeError, ValueError):
                found[int(job)] = float(words[name])
        return found

    def _of_jobs(self, method: str, jobs: list[int], name: str) -> dict[int, str]:
        found = self.services.call(JOBS, method, jobs)
        # numeric keys become text in the service's answer
        return {int(job): one_line(words.get(name) or "") for job, words in found.items()}


def _stranded(row: Mapping[str, Any]) -> StrandedFile:
    return StrandedFile(
        lfn=str(row["LFN"]),
        status=str(row["Status"]),
        task=int(row["TaskID"] or 0),
        errors=int(row["ErrorCount"] or 0),
    )


def _task(row: Mapping[str, Any]) -> TaskState:
    job = str(row["ExternalID"] or "0")
    number = int(job) if job.isdigit() else 0
    return TaskState(int(row["TaskID"]), str(row["ExternalStatus"]), number)


def _live(row: Mapping[str, Any], now: datetime) -> LiveTask:
    since = row.get("LastUpdateTime")
    age = max(0.0, (now - since).total_seconds()) if isinstance(since, datetime) else 0.0
    return LiveTask(_task(row), _inputs(row), age)


def _inputs(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(lfn for lfn in str(row.get("InputVector") or "").split(";") if lfn)


def _allowed(change: FileChange, errors: int, limit: int) -> str:
    if change.was == FileStatus.PROCESSED:
        return str(FileStatus.PROCESSED)
    given_up = errors and errors % limit == 0 and change.was != FileStatus.MAX_RESET
    if change.becomes == FileStatus.UNUSED and given_up:
        return str(FileStatus.MAX_RESET)
    return str(change.becomes)
