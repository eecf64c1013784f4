"""Compares the Transformation System, job monitoring and the catalogue for one transformation.

The Transformation System has the states of files and tasks, job monitoring how jobs ended, the
catalogue which outputs exist. Each may miss what the others know.

Invariant: a pure function of what was read. Only certain cases are repaired: a file whose task has
ended and left all its outputs was processed, whatever its state. Everything else is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.status import (
    BAD_TASKS,
    FINAL_TASKS,
    GOOD_TASKS,
    FileStatus,
    TaskStatus,
)
from dirac_prodsys.core.recovery.decisions import Outputs, StrandedFile, TaskState
from dirac_prodsys.core.text.wording import first_of

InconsistencyKind = Literal[
    "processed_without_output",
    "output_without_processed",
    "two_live_tasks",
    "orphan_task",
    "done_without_output",
]

_WORDS: Mapping[InconsistencyKind, str] = {
    "processed_without_output": "files are Processed, and outputs of their task are missing",
    "output_without_processed": "files are not Processed, and all outputs of their task are there",
    "two_live_tasks": "files are in two live tasks at once",
    "orphan_task": "tasks are live, and their job has ended or is not known",
    "done_without_output": "tasks are Done, and their outputs are missing",
}

#: within this many seconds the agents notice that a task at work has ended
PATIENCE = 3600.0

#: states from which a file becomes Processed if its outputs all exist; Problematic was set by the
#: job itself, or by a person
_REPAIRED = frozenset({FileStatus.UNUSED, FileStatus.ASSIGNED, FileStatus.MAX_RESET})

_ENDED_JOBS = frozenset(map(str, FINAL_TASKS))

#: maximum number of names shown of each kind
_SAMPLES = 3


@dataclass(frozen=True)
class LiveTask:
    """A task that has not ended, according to the Transformation System.

    :param lfns: its input files.
    :param age: seconds since its row was last changed.
    """

    task: TaskState
    lfns: tuple[str, ...] = ()
    age: float = 0.0


@dataclass(frozen=True)
class Readings:
    """What was read of one transformation.

    :param files: its files that have a task.
    :param tasks: their tasks, and those of a transformation without input.
    :param outputs: task ID → what the catalogue has of its outputs.
    :param jobs: JobID → its state in job monitoring; None: it was not asked.
    """

    files: Sequence[StrandedFile] = ()
    tasks: Mapping[int, TaskState] | None = None
    live: Sequence[LiveTask] = ()
    outputs: Mapping[int, Outputs] | None = None
    jobs: Mapping[int, JobState] | None = None
    needs_input: bool = True


@dataclass(frozen=True)
class Inconsistency:
    """One inconsistency.

    :param what: a file, or ``task 7``.
    :param detail: what the other systems say.
    :param file: the file to be set Processed; None: nothing is certain.
    """

    kind: InconsistencyKind
    what: str
    detail: str
    file: StrandedFile | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        certain = self.file is not None
        return {"kind": self.kind, "what": self.what, "detail": self.detail, "certain": certain}


def inconsistencies(seen: Readings, *, patience: float = PATIENCE) -> list[Inconsistency]:
    """Return all inconsistencies, in the order of kinds and names.

    :param patience: seconds within which agents notice the end of a job.
    """
    found = [*_of_files(seen), *_of_live_tasks(seen, patience), *_of_tasks_without_input(seen)]
    order = list(_WORDS)
    return sorted(found, key=lambda one: (order.index(one.kind), one.what))


def in_words(found: Iterable[Inconsistency]) -> list[str]:
    """Write one line for each kind, with a few names."""
    groups: dict[InconsistencyKind, list[Inconsistency]] = {}
    for one in found:
        groups.setdefault(one.kind, []).append(one)
    lines = []
    for kind, alike in groups.items():
        names = [f"{one.what} ({one.detail})" for one in alike]
        lines.append(f"{len(alike)} {_WORDS[kind]}: {first_of(names, _SAMPLES)}")
    return lines


def _of_files(seen: Readings) -> Iterable[Inconsistency]:
    tasks, outputs = seen.tasks or {}, seen.outputs or {}
    for file in seen.files:
        there, task = outputs.get(file.task, "unknown"), tasks.get(file.task)
        if there == "unknown" or not file.task:
            continue
        if file.status == FileStatus.PROCESSED:
            if there != "all":
                yield Inconsistency(
                    "processed_without_output",
                    file.lfn,
                    f"task {file.task}: {there} of its outputs",
                )
        elif there == "all" and _ended(task, seen.jobs):
            known = file.status in _REPAIRED
            detail = f"{file.status}, task {file.task}"
            yield Inconsistency(
                "output_without_processed", file.lfn, detail, file if known else None
            )


def _of_live_tasks(seen: Readings, patience: float) -> Iterable[Inconsistency]:
    holders: dict[str, list[TaskState]] = {}
    for live in seen.live:
        if _ended(live.task, seen.jobs):
            continue
        for lfn in live.lfns:
            holders.setdefault(lfn, []).append(live.task)
    for lfn, tasks in holders.items():
        if len(tasks) > 1:
            named = " and ".join(f"{task.id} (job {task.job})" for task in tasks)
            yield Inconsistency("two_live_tasks", lfn, f"tasks {named}")
    for live in seen.live:
        if seen.jobs is None or live.age < patience or not _was_submitted(live.task):
            continue
        job = seen.jobs.get(live.task.job)
        if job is None:
            detail = f"{live.task.status}, job {live.task.job} is not known"
        elif job.status in _ENDED_JOBS:
            detail = f"{live.task.status}, job {live.task.job} is {job.status}"
        else:
            continue
        yield Inconsistency("orphan_task", f"task {live.task.id}", detail)


def _of_tasks_without_input(seen: Readings) -> Iterable[Inconsistency]:
    if seen.needs_input:
        return
    for number, task in (seen.tasks or {}).items():
        there = (seen.outputs or {}).get(number, "unknown")
        if task.status in GOOD_TASKS and there in ("some", "none"):
            yield Inconsistency(
                "done_without_output", f"task {number}", f"{task.status}, {there} of its outputs"
            )


def _ended(task: TaskState | None, jobs: Mapping[int, JobState] | None) -> bool:
    """Whether a task is over; job monitoring has the last word."""
    if task is None:
        return False
    job = (jobs or {}).get(task.job)
    status = task.status if job is None else job.status
    return status in GOOD_TASKS or status in BAD_TASKS


def _was_submitted(task: TaskState) -> bool:
    return bool(task.job) and task.status not in (TaskStatus.CREATED, TaskStatus.RESERVED)
