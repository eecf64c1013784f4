"""Keeps what the ledger says of each run, as far as lists of runs need it.

Records come in any order, some of them twice: the ledger is read on and on, with some overlap.

Invariant: no I/O and no clock. What was learned twice counts once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.naming import NameParts, name_parts
from dirac_prodsys.core.reports.course import Moment, course_of, moment_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CountsRecord,
    DatasetRecord,
    JobsRecord,
    RunRecord,
    StepRecord,
    VerdictRecord,
)
from dirac_prodsys.core.reports.status_progress import Key, Past

#: the kinds of records that the board learns from
KINDS = ("run", "step", "counts", "verdict", "dataset", "jobs")

#: most moments of a transformation, and most verdicts of a wait, that are kept: the newest
_MOMENTS, _VERDICTS = 2000, 30


@dataclass
class Track:
    """A transformation of a run.

    :param parts: parts of its name.
    :param counts: the last counts; None: none are known yet.
    :param past: counts over time, the oldest first.
    :param verdicts: ID of the task that waits → its verdicts, the oldest first.
    :param jobs: its jobs, when they were last looked at.
    """

    step: StepRecord
    parts: NameParts
    counts: CountsRecord | None = None
    past: list[Moment] = field(default_factory=list)
    verdicts: dict[str, list[VerdictRecord]] = field(default_factory=dict)
    jobs: JobsRecord | None = None
    changed: datetime | None = None

    @property
    def key(self) -> Key:
        """Return name and ID of the transformation."""
        return self.step.name, self.step.transformation or 0

    @property
    def verdict(self) -> VerdictRecord | None:
        """Return the newest verdict of any wait for it."""
        last = [some[-1] for some in self.verdicts.values() if some]
        return max(last, key=lambda one: one.at, default=None)

    def snapshot(self) -> Snapshot:
        """Return what the grid said last, as far as the ledger knows it."""
        counts = self.counts
        if counts is None:
            status = TransformationStatus.NEW
            return Snapshot(self.key[1], self.key[0], self.step.type, status)
        return Snapshot(
            self.key[1],
            self.key[0],
            self.step.type,
            TransformationStatus(counts.status_since),
            files=counts.files,
            tasks=counts.tasks,
            catalogue_files=counts.catalogue_files,
        )

    def failed_at(self, moment: datetime) -> int | None:
        """Return how many tasks had ended badly at a moment, or when it was first seen after it.

        None: it was never seen.
        """
        if self.step.at > moment:
            return 0
        place = bisect_right(self.past, moment.timestamp(), key=lambda one: one.at)
        return self.past[max(0, place - 1)].tasks_bad if self.past else None


@dataclass
class Book:
    """A run of a production.

    :param began: the newest record of its begin; :param last: the newest one of begin or end.
    :param tracks: its transformations, in the order in which they were made.
    :param datasets: path → dataset as the catalogue had it last.
    :param whole: whether all of its past is known; else only how it stands.
    :param version: grows with each change.
    """

    production: str
    run: str
    vo: str = ""
    campaign: str = ""
    began: RunRecord | None = None
    first: RunRecord | None = None
    last: RunRecord | None = None
    tracks: dict[Key, Track] = field(default_factory=dict)
    datasets: dict[str, DatasetRecord] = field(default_factory=dict)
    changed: datetime | None = None
    whole: bool = True
    version: int = 0

    @property
    def run_id(self) -> str:
        """Return Airflow's ID of the run; empty: unknown."""
        return self.last.run_id if self.last is not None else ""

    @property
    def connection(self) -> str:
        """Return the connection that it uses; empty: an older version began it."""
        return self.began.connection if self.began is not None else ""

    @property
    def ended(self) -> str:
        """Return how it ended; empty: it did not."""
        return "" if self.last is None or self.last.state == "began" else self.last.state

    def newest(self) -> list[Track]:
        """Return the newest transformation of each step, in the order of their creation."""
        found: dict[str, Track] = {}
        for one in sorted(self.tracks.values(), key=lambda each: each.key[1]):
            there = found.get(one.parts.first)
            if there is None or there.parts.start < one.parts.start:
                found[one.parts.first] = one
        return list(found.values())

    def past(self) -> Past:
        """Return its past, from which estimates are made."""
        past = Past()
        for key, track in self.tracks.items():
            past.steps[key] = track.step
            if track.past:
                past.points[key] = list(course_of(track.past, track.step.tasks).points)
        return past


class Board:
    """Knows all runs of which the ledger has records."""

    def __init__(self) -> None:
        self.books: dict[tuple[str, str], Book] = {}
        #: counts and verdicts that came before the record of their step
        self._early: dict[Key, list[Record]] = {}

    def learn(self, records: Iterable[Record]) -> None:
        """Add what records say."""
        for record in records:
            if record.production and record.run:
                self._learn(record)

    def begin(self, records: Iterable[Record]) -> None:
        """Learn how all runs stand; the past of each is read later."""
        self.learn(records)
        for book in self.books.values():
            book.whole = False

    def learn_past(self, book: Book, records: Iterable[Record]) -> None:
        """Learn the whole past of a run."""
        self.learn(records)
        book.whole = True
        book.version += 1

    def unread(self, since: datetime) -> list[Book]:
        """Return the runs whose past is wanted and unknown, the newest first.

        :param since: runs that are over are wanted if they changed after this moment.
        """
        found = [
            book
            for book in self.books.values()
            if not book.whole
            and (not book.ended or (book.changed is not None and book.changed > since))
        ]
        return sorted(found, key=lambda book: book.changed or since, reverse=True)

    def _learn(self, record: Record) -> None:
        place = record.production, record.run
        book = self.books.get(place)
        if book is None:
            book = self.books[place] = Book(*place)
        match record:
            case RunRecord():
                _learn_run(book, record)
            case StepRecord():
                self._learn_step(book, record)
            case DatasetRecord():
                there = book.datasets.get(record.dataset)
                if there is None or there.at < record.at:
                    book.datasets[record.dataset] = record
                    _touch(book, record)
            case CountsRecord() | VerdictRecord() | JobsRecord():
                key = (record.name, record.transformation or 0)
                track = book.tracks.get(key)
                if track is None:
                    self._early.setdefault(key, []).append(record)
                else:
                    _learn_track(book, track, record)

    def _learn_step(self, book: Book, record: StepRecord) -> None:
        parts = name_parts(record.name)
        if parts is None or record.transformation is None:
            return
        key = (record.name, record.transformation)
        there = book.tracks.get(key)
        if there is not None and there.step.at >= record.at:
            return
        if there is None:
            book.tracks[key] = Track(record, parts)
        else:
            there.step = record
        book.vo, book.campaign = record.vo or book.vo, record.campaign or book.campaign
        _touch(book, record)
        for each in self._early.pop(key, ()):
            _learn_track(book, book.tracks[key], each)


def _learn_run(book: Book, record: RunRecord) -> None:
    book.vo, book.campaign = record.vo or book.vo, record.campaign or book.campaign
    if book.last is None or book.last.at <= record.at:
        if book.last != record:
            _touch(book, record)
        book.last = record
    if record.state == "began":
        if book.began is None or book.began.at < record.at:
            book.began = record
        if book.first is None or record.at < book.first.at:
            book.first = record


def _learn_track(book: Book, track: Track, record: Record) -> None:
    match record:
        case CountsRecord():
            at = record.at.timestamp()
            place = bisect_left(track.past, at, key=lambda one: one.at)
            if place < len(track.past) and track.past[place].at == at:
                return
            track.past.insert(place, moment_of(record))
            if len(track.past) > _MOMENTS:
                del track.past[0]
            before = track.counts
            if before is None or before.at <= record.at:
                track.counts = record
                if before is None or not record.same_as(before):
                    track.changed = record.at
                    _touch(book, record)
            book.version += 1
        case VerdictRecord():
            some = track.verdicts.setdefault(record.wait, [])
            place = bisect_left(some, record.at, key=lambda one: one.at)
            if place < len(some) and some[place].key == record.key:
                return
            some.insert(place, record)
            del some[:-_VERDICTS]
            book.version += 1
        case JobsRecord():
            if track.jobs is None or track.jobs.at < record.at:
                track.jobs = record
                book.version += 1


def _touch(book: Book, record: Record) -> None:
    book.version += 1
    if book.changed is None or book.changed < record.at:
        book.changed = record.at
