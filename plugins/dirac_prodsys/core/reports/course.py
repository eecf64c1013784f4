"""Reads the course of each transformation from records: how far it was, at each moment.

Invariant: pure. A step that takes files is counted in files, any other in tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy.counts import attached_files, bad_tasks, good_tasks
from dirac_prodsys.core.reports.ledger.identity import Identity, identity_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import CountsRecord, StepRecord


@dataclass(frozen=True)
class Amount:
    """How much is done, of how much is known.

    :param total: 0: unknown.
    """

    done: int = 0
    total: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"done": self.done, "total": self.total}


@dataclass(frozen=True)
class Point:
    """How far a step was at a moment.

    :param at: seconds since the epoch.
    :param total: what was known of the work then; it grows while parents make files.
    """

    at: float
    done: float
    total: float


class Moment(NamedTuple):
    """The numbers of a transformation at a moment; small, because there are many.

    :param at: seconds since the epoch.
    :param has_files: whether any file was attached.
    """

    at: float
    has_files: bool
    files_done: int
    files: int
    tasks_good: int
    tasks: int
    tasks_bad: int


@dataclass(frozen=True)
class Course:
    """How far a transformation was over time.

    :param points: the oldest first.
    :param status: DIRAC's status at the last point.
    """

    unit: Literal["tasks", "files"]
    points: tuple[Point, ...]
    status: str = ""


def files_of(seen: Snapshot) -> Amount:
    """Return the files processed and attached; those that left the catalogue do not count."""
    return Amount(seen.files.get(FileStatus.PROCESSED, 0), attached_files(seen))


def tasks_of(seen: Snapshot, wanted: int | None = None) -> Amount:
    """Return the tasks that ended well, and all.

    :param wanted: how many the step declares; None: as many as were made.
    """
    return Amount(good_tasks(seen), wanted or sum(seen.tasks.values()))


def courses(records: Iterable[Record]) -> dict[Identity, Course]:
    """Return the course of each transformation with counts.

    :param records: of any kinds, in any order; steps and counts are read.
    """
    counts: dict[Identity, list[CountsRecord]] = defaultdict(list)
    wanted: dict[Identity, int | None] = {}
    for record in records:
        if isinstance(record, CountsRecord):
            counts[identity_of(record)].append(record)
        elif isinstance(record, StepRecord):
            wanted[identity_of(record)] = record.tasks
    return {place: course(some, wanted.get(place)) for place, some in counts.items()}


def course(counts: Iterable[CountsRecord], wanted: int | None = None) -> Course:
    """Return the course of one transformation.

    :param wanted: number of tasks that its step declares.
    """
    ordered = sorted(counts, key=lambda one: one.at)
    status = ordered[-1].status if ordered else ""
    return course_of([moment_of(one) for one in ordered], wanted, status)


def course_of(moments: Sequence[Moment], wanted: int | None = None, status: str = "") -> Course:
    """Return the course of one transformation.

    :param moments: the oldest first.
    :param wanted: number of tasks that its step declares.
    :param status: DIRAC's status at the last of them.
    """
    by_files = wanted is None and any(one.has_files for one in moments)
    points = tuple(
        Point(one.at, one.files_done, one.files)
        if by_files
        else Point(one.at, one.tasks_good, wanted or one.tasks)
        for one in moments
    )
    return Course("files" if by_files else "tasks", points, status)


def moment_of(record: CountsRecord) -> Moment:
    """Return the numbers of a record."""
    seen = _snapshot(record.status, record.files, record.tasks)
    files, tasks = files_of(seen), tasks_of(seen)
    return Moment(
        record.at.timestamp(),
        bool(record.files),
        files.done,
        files.total,
        tasks.done,
        tasks.total,
        bad_tasks(seen),
    )


def _snapshot(status: str, files: Mapping[str, int], tasks: Mapping[str, int]) -> Snapshot:
    return Snapshot(0, "", "", TransformationStatus(status), files=files, tasks=tasks)
