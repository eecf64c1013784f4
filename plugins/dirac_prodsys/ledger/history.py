"""Answers what people ask the ledger: which runs there were, how one of them went, a campaign,
and what the summary of datasets is made of.

Invariant: read-only. Large records (texts of definitions, plans) are read when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from dirac_prodsys.core.reports.ledger.drift import KINDS as DRIFT_KINDS
from dirac_prodsys.core.reports.ledger.identity import Identity, identity_of
from dirac_prodsys.core.reports.ledger.recalled import Recalled
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CountsRecord,
    DatasetRecord,
    JobsRecord,
    RunRecord,
    StepRecord,
    StorageRecord,
    VerdictRecord,
    read_record,
)
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.ledger.tables import records

#: kinds of records that the story of a run consists of; counts over time are looked up for it
STORY = ("run", "act", "verdict", "action", "notice", "event", "dataset", "comment", "drift")

#: most runs whose counts over time are read for a page, the newest
_DRAWN = 20

#: records that are read once more when news are asked for
_AGAIN = 500


@dataclass(frozen=True)
class RunRow:
    """One run of a production.

    :param state: how it ended; ``running``: it did not, as far as the ledger knows; ``imported``:
        others made it.
    :param began: its first record; :param last: its last one, except for those of its datasets.
    :param steps: number of transformations.
    """

    vo: str
    production: str
    run: str
    state: str
    began: datetime
    last: datetime
    steps: int
    campaign: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        times = {"began": self.began.isoformat(), "last": self.last.isoformat()}
        return {**vars(self), **times}


@dataclass(frozen=True)
class StepHistory:
    """A step with its transformation, the last counts known of it, and its datasets.

    :param jobs: the last report on its jobs; :param storage: where its files were; both are read
        for one run alone, and None elsewhere.
    """

    step: StepRecord
    counts: CountsRecord | None = None
    datasets: tuple[DatasetRecord, ...] = ()
    jobs: JobsRecord | None = None
    storage: StorageRecord | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "step": self.step.to_dict(),
            "counts": None if self.counts is None else self.counts.to_dict(),
            "datasets": [each.to_dict() for each in self.datasets],
            "jobs": None if self.jobs is None else self.jobs.to_dict(),
            "storage": None if self.storage is None else self.storage.to_dict(),
        }


@dataclass(frozen=True)
class RunHistory:
    """All that the ledger knows of one run; ``story`` has its events by their moments."""

    row: RunRow
    steps: tuple[StepHistory, ...]
    story: tuple[Record, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            **self.row.to_dict(),
            "transformations": [each.to_dict() for each in self.steps],
            "story": [each.to_dict() for each in self.story],
        }


def runs(ledger: Ledger, search: Search | None = None) -> list[RunRow]:
    """Return the runs that are meant, the newest first.

    :raises LedgerUnavailable: it cannot be read now.
    """
    wanted = search or Search()
    columns = (records.c.vo, records.c.production, records.c.run)
    is_step = records.c.kind == "step"
    # years later, a sweep may find that a dataset lost files: the run was over before
    by_run = func.max(records.c.at).filter(records.c.kind != "dataset")
    last = func.coalesce(by_run, func.max(records.c.at))
    query = (
        select(
            *columns,
            func.max(records.c.campaign),
            func.min(records.c.at),
            last,
            func.count(func.distinct(records.c.name)).filter(is_step),
        )
        .where(*wanted.conditions(), records.c.kind.in_(("run", "step", "dataset", "act")))
        .where(records.c.production != "")
        .group_by(*columns)
    )
    found = [tuple(row) for row in ledger.rows(query)]
    states = _states(ledger, wanted)
    made = [
        RunRow(*place, states.get(place, "imported"), began, last, steps, campaign)
        for *names, campaign, began, last, steps in found
        for place in [(names[0], names[1], names[2])]
    ]
    return sorted(made, key=lambda row: (row.began, row.production, row.run), reverse=True)


def _states(ledger: Ledger, search: Search) -> dict[tuple[str, str, str], str]:
    query = select(records.c.content).where(*search.conditions(), records.c.kind == "run")
    found: dict[tuple[str, str, str], str] = {}
    for (content,) in ledger.rows(query.order_by(records.c.at, records.c.id)):
        record = RunRecord.from_dict(json.loads(content))
        state = "running" if record.state == "began" else record.state
        found[record.vo, record.production, record.run] = state
    return found


def steps(ledger: Ledger, search: Search) -> list[StepHistory]:
    """Return the transformations that are meant, each with its last counts and its datasets.

    :raises LedgerUnavailable: it cannot be read now.
    """
    step, counts = records.alias("step"), records.alias("counts")
    last = (
        select(counts.c.content)
        .where(
            counts.c.transformation == step.c.transformation,
            counts.c.kind == "counts",
            counts.c.name == step.c.name,
        )
        .order_by(counts.c.at.desc(), counts.c.id.desc())
        .limit(1)
        .correlate(step)
        .scalar_subquery()
    )
    meant: list[ColumnElement[bool]] = [*search.conditions(step), step.c.kind == "step"]
    query = select(step.c.content, last).where(*meant).order_by(step.c.at, step.c.id)
    datasets = _datasets(ledger, search)
    found = []
    for content, newest in ledger.rows(query):
        record = StepRecord.from_dict(json.loads(content))
        known = None if newest is None else CountsRecord.from_dict(json.loads(newest))
        made = datasets.get((record.production, record.run, record.step), ())
        found.append(StepHistory(record, known, tuple(made)))
    return found


def _datasets(ledger: Ledger, search: Search) -> dict[tuple[str, str, str], list[DatasetRecord]]:
    query = select(records.c.content).where(*search.conditions(), records.c.kind == "dataset")
    newest: dict[tuple[str, str, str], dict[str, DatasetRecord]] = {}
    for (content,) in ledger.rows(query.order_by(records.c.at, records.c.id)):
        record = DatasetRecord.from_dict(json.loads(content))
        place = record.production, record.run, record.step
        newest.setdefault(place, {})[record.dataset] = record
    return {place: list(of_step.values()) for place, of_step in newest.items()}


def run_history(ledger: Ledger, search: Search) -> RunHistory | None:
    """Return the newest run that is meant; None: the ledger has none.

    :raises LedgerUnavailable: it cannot be read now.
    """
    found = runs(ledger, search)
    if not found:
        return None
    row = found[0]
    own = Search(vo=row.vo, production=row.production, run=row.run)
    # where a connection does not name its VO, records of people's actions have none
    found_of_run = ledger.find(Search(STORY, production=row.production, run=row.run))
    story = [each for each in found_of_run if each.vo in ("", row.vo) and each.run == row.run]
    # an empty run is that of imported transformations: to a search it means all runs
    last = _last_by_identity(ledger, own)
    made = [
        replace(each, jobs=last["jobs"].get(of), storage=last["storage"].get(of))
        for each in steps(ledger, own)
        if each.step.run == row.run
        for of in [identity_of(each.step)]
    ]
    return RunHistory(row, tuple(made), tuple(changes(story)))


def _last_by_identity(ledger: Ledger, search: Search) -> dict[str, dict[Identity, Any]]:
    """Return kind → transformation → its last record of jobs and storage."""
    found: dict[str, dict[Identity, Any]] = {"jobs": {}, "storage": {}}
    for record in ledger.find(replace(search, kinds=tuple(found))):
        found[record.kind][identity_of(record)] = record
    return found


def recalled(ledger: Ledger, search: Search) -> list[Recalled]:
    """Return the transformations that are meant, each with its last counts and jobs.

    :raises LedgerUnavailable: it cannot be read now.
    """
    jobs = _last_by_identity(ledger, search)["jobs"]
    return [
        Recalled(each.step, each.counts, jobs.get(identity_of(each.step)))
        for each in steps(ledger, search)
    ]


def changes(story: Iterable[Record]) -> list[Record]:
    """Return the records without verdicts that repeat the one before of the same wait."""
    last: dict[tuple[str, int | None, str], VerdictRecord] = {}
    found: list[Record] = []
    for record in story:
        if isinstance(record, VerdictRecord):
            place = record.name, record.transformation, record.wait
            before, last[place] = last.get(place), record
            if before is not None and record.same_as(before):
                continue
        found.append(record)
    return found


def campaign(ledger: Ledger, name: str) -> list[StepHistory]:
    """Return the transformations of a campaign, as for :func:`steps`.

    :raises LedgerUnavailable: it cannot be read now.
    """
    return steps(ledger, Search(campaign=name))


def summary_records(ledger: Ledger, search: Search) -> Iterator[Record]:
    """Yield the records of which ``core/reports/summary/rows`` makes its rows.

    Of counts, these are the last of each transformation.

    :raises LedgerUnavailable: it cannot be read now.
    """
    names: set[str] = set()
    for each in steps(ledger, search):
        yield each.step
        names.add(each.step.dataset)
        if each.counts is not None:
            yield each.counts
    yield from ledger.find(replace(search, kinds=("storage", "summary")))
    # what is known of a dataset may not say which production made it
    for record in ledger.find(Search(("dataset", "comment"))):
        dataset = getattr(record, "dataset", "")
        if not dataset or dataset in names or not (search.production or search.campaign):
            yield record


def compared_records(ledger: Ledger, search: Search) -> Iterator[Record]:
    """Yield the records of which ``core/reports/ledger/drift`` makes what it compares.

    Of counts, these are the last of each transformation.

    :raises LedgerUnavailable: it cannot be read now.
    """
    for each in steps(ledger, search):
        yield each.step
        if each.counts is not None:
            yield each.counts
    yield from ledger.find(replace(search, kinds=DRIFT_KINDS))


def plot_records(ledger: Ledger, search: Search) -> Iterator[Record]:
    """Yield the records that the page of a summary draws; counts are those of the newest runs.

    :raises LedgerUnavailable: it cannot be read now.
    """
    for row in runs(ledger, search)[:_DRAWN]:
        kinds = ("step", "counts")
        yield from ledger.find(Search(kinds, production=row.production, run=row.run))
    yield from ledger.find(replace(search, kinds=("storage", "jobs")))


@dataclass(frozen=True)
class News:
    """Records that were delivered after a moment.

    :param last: number of the last record; what is asked next time.
    """

    records: tuple[Record, ...]
    last: int


def beginning(ledger: Ledger, kinds: Sequence[str]) -> News:
    """Return what is known so far: of counts, only the last of each transformation.

    :param kinds: kinds of records.
    :raises LedgerUnavailable: it cannot be read now.
    """
    last = next(iter(ledger.rows(select(func.max(records.c.id)))))[0] or 0
    found: list[Record] = list(ledger.find(Search(tuple(k for k in kinds if k != "counts"))))
    if "counts" in kinds:
        found += [one.counts for one in steps(ledger, Search()) if one.counts is not None]
    return News(tuple(found), int(last))


def news(ledger: Ledger, kinds: Sequence[str], after: int) -> News:
    """Return the records with a number above this one, some of them perhaps once more.

    Two writers may deliver at the same time, and the later number be seen first: so the last ones
    come again.

    :param after: :attr:`News.last` of the last time.
    :raises LedgerUnavailable: it cannot be read now.
    """
    query = (
        select(records.c.id, records.c.content)
        .where(records.c.id > after - _AGAIN, records.c.kind.in_(kinds))
        .order_by(records.c.id)
    )
    last, found = after, []
    for number, content in ledger.rows(query):
        last = max(last, number)
        found.append(read_record(json.loads(content)))
    return News(tuple(found), last)
