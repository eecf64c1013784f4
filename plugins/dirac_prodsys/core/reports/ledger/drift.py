"""Compares what the ledger holds with the grid and the catalogue: ``history sweep``.

A status counts as another one when it says something else about the work: whether it goes on, is
Stopped, is over, or was removed. Within these, DIRAC's agents change it every day.

Invariant: pure. What the ledger does not say is unknown, and nothing differs from it; so is a
status that this version does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.dataset_check import DatasetCheck
from dirac_prodsys.core.reports.ledger.made_from import Place
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    ActRecord,
    CountsRecord,
    DatasetRecord,
    DriftRecord,
    EventRecord,
    StepRecord,
)
from dirac_prodsys.core.text.wording import counted, first_of
from dirac_prodsys.errors import MetaQueryError

#: what a status says about the work
Work = Literal["goes on", "Stopped", "over", "removed"]

#: acts of tasks and actions of people → what they make of the work
_AFTER: Mapping[str, Work] = {
    "create": "goes on",
    "start": "goes on",
    "resume": "goes on",
    "flush": "goes on",
    "stop": "Stopped",
    "complete": "over",
    "clean": "removed",
    "delete": "removed",
}
#: kinds of records that say what became of transformations
KINDS = ("act", "action", "event", "dataset")
#: word of the event that DIRAC archived a transformation
ARCHIVED = "archived"
#: files that a line names
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """Something differs from the ledger.

    :param subject: path of a dataset, or name of a transformation.
    :param what: which property; :param recorded: as the ledger has it; :param found: as it is.
    :param text: what differs, for people; :param to_do: what they can do about it.
    :param basis: key of the record that it differs from.
    """

    place: Place
    subject: str
    what: str
    recorded: Any
    found: Any
    text: str
    to_do: str
    basis: str

    def record(self, at: datetime) -> DriftRecord:
        """Return the record of it; the same finding has the same key every day."""
        return DriftRecord(
            at=at,
            subject=self.subject,
            what=self.what,
            recorded=self.recorded,
            found=self.found,
            text=f"{self.text}; {self.to_do}",
            occasion=self.basis,
            **self.place.to_dict(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        own = {name: value for name, value in vars(self).items() if name not in ("place", "basis")}
        return {**own, **self.place.to_dict()}


@dataclass
class KnownTransformation:
    """What the ledger says of a transformation.

    :param last: the newest record that says something of its status; None: none does.
    :param work: what that says; None: nothing is known.
    :param status: the words of that record, for people.
    :param archived: whether DIRAC archived it, as an earlier sweep saw.
    """

    step: StepRecord
    last: Record | None = None
    work: Work | None = None
    status: str = ""
    archived: bool = False

    @property
    def place(self) -> Place:
        """Return where its records belong."""
        return Place.from_dict(self.step.to_dict())


@dataclass
class KnownDataset:
    """What the ledger says of a dataset.

    :param made: as it was made: the first frozen record since it was last retired, else the newest.
    :param newest: the newest record.
    """

    made: DatasetRecord
    newest: DatasetRecord

    @property
    def place(self) -> Place:
        """Return where its records belong."""
        return Place.from_dict(self.made.to_dict())


@dataclass
class Book:
    """What the ledger holds that can be compared.

    :param transformations: by ID and name; :param datasets: by full path; retired ones are absent.
    """

    transformations: dict[tuple[int, str], KnownTransformation] = field(default_factory=dict)
    datasets: dict[str, KnownDataset] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundDataset:
    """A dataset as the catalogue has it.

    :param check: of its files; None: they were not compared one by one.
    :param trouble: why the catalogue cannot say what it holds; empty: it does.
    :param files: their number; None: unknown.
    """

    frozen: bool
    query: Mapping[str, Any] = field(default_factory=dict)
    check: DatasetCheck | None = None
    trouble: str = ""
    files: int | None = None


def still_differs(finding: Finding, book: Book) -> bool:
    """Whether the ledger still says what a finding differs from: a run goes on meanwhile.

    :param book: what the ledger holds after the grid was looked at.
    """
    if finding.subject in book.datasets:
        return book.datasets[finding.subject].made.key == finding.basis
    number, name = finding.place.transformation, finding.subject
    known = None if number is None else book.transformations.get((number, name))
    return known is not None and (known.last or known.step).key == finding.basis


def work_of(status: str) -> Work | None:
    """Return what a status of DIRAC says about the work; None: it is unknown."""
    word = TransformationStatus(status)
    if word == TransformationStatus.UNKNOWN:
        return None
    if word in ENDED_TRANSFORMATION:
        return "over"
    if word in REMOVED_TRANSFORMATION:
        return "removed"
    return "Stopped" if word == TransformationStatus.STOPPED else "goes on"


def book_of(records: Iterable[Record]) -> Book:
    """Return what records say, in whatever order they come.

    Of counts, the last of each transformation is enough.
    """
    book = Book()
    ordered = sorted(records, key=lambda one: (one.kind != "step", one.at))
    for record in ordered:
        number = record.transformation
        if isinstance(record, StepRecord) and number is not None:
            book.transformations[number, record.name] = KnownTransformation(record)
        elif isinstance(record, DatasetRecord):
            _learn_dataset(book.datasets, record)
        elif number is not None and (known := book.transformations.get((number, record.name))):
            _learn(known, record)
    return book


def _learn(known: KnownTransformation, record: Record) -> None:
    work: Work | None = None
    status = ""
    if isinstance(record, CountsRecord):
        work, status = work_of(record.status), record.status
        if record.final:  # from just before it was completed
            work, status = "over", "Completed"
    elif isinstance(record, ActRecord) and record.phase == "after":
        work, status = _became(known.work, record.act), record.act
    elif isinstance(record, ActionRecord) and record.result == "done":
        work, status = _became(known.work, record.action), record.action
    elif isinstance(record, EventRecord) and record.word == ARCHIVED:
        known.archived = True
    if work is not None:
        known.last, known.work, known.status = record, work, status


def _became(before: Work | None, act: str) -> Work | None:
    """Return what an act made of the work; None: nothing, as for DIRAC's own rules of statuses.

    A task that is tried again starts, flushes, stops and completes only what is still to be.
    """
    after = _AFTER.get(act)
    if after == "goes on" and before is not None:
        return after if (act, before) == ("resume", "Stopped") else None
    return None if after in ("Stopped", "over") and before in ("over", "removed") else after


def _learn_dataset(datasets: dict[str, KnownDataset], record: DatasetRecord) -> None:
    known = datasets.get(record.dataset)
    if record.retired:
        datasets.pop(record.dataset, None)
    elif known is None or not known.made.frozen:
        datasets[record.dataset] = KnownDataset(record, record)
    else:
        known.newest = record


def transformation_drift(
    known: KnownTransformation, found: Listed | None, now: datetime
) -> tuple[Finding | None, EventRecord | None]:
    """Compare a transformation with the grid.

    :param found: the one of its ID on the grid; None: there is none.
    :returns: what differs, and what the ledger should learn though nothing differs.
    """
    step, place = known.step, known.place
    basis = (known.last or step).key
    if found is None or found.name != step.name:
        if known.archived or known.work == "removed":
            return None, None
        anew = "" if found is None else f": its ID is {found.name} now"
        return (
            Finding(
                place,
                step.name,
                "transformation",
                known.status or "there",
                "" if found is None else found.name,
                f"the grid no longer has it, and it was not archived{anew}",
                "ask who deleted it; its files and datasets are in the catalogue still, and what "
                "it was is in the ledger",
                basis,
            ),
            None,
        )
    work = work_of(found.status)
    archived = found.status == TransformationStatus.ARCHIVED
    if known.work is None or work is None or work == known.work:
        note = None
        if archived and not known.archived:
            text = "DIRAC archived it"
            note = EventRecord(
                at=now, word=ARCHIVED, text=text, occasion=ARCHIVED, **place.to_dict()
            )
        return None, note
    return (
        Finding(
            place,
            step.name,
            "status",
            known.status,
            found.status,
            f"it is {found.status}, and the ledger has {known.status} last",
            _to_do(known, work),
            basis,
        ),
        None,
    )


def _to_do(known: KnownTransformation, work: Work) -> str:
    """Return what a person can do about a status."""
    if known.step.origin == "import":
        number = known.step.transformation
        return f"take in what it is now: `dirac-prodsys history import {number}`"
    log = "DIRAC's log of the transformation says who did it"
    if work == "removed":
        return f"{log}; begin the step anew by clearing its create task, if it is still needed"
    if work == "Stopped":
        return f"{log}; `dirac-prodsys resume` lets it go on"
    if work == "over":
        return f"{log}; clear the wait of its step if its run is to take notice"
    return f"{log}; `dirac-prodsys stop` or `complete` ends it, if it is not wanted"


def dataset_drift(known: KnownDataset, found: FoundDataset | None) -> Iterator[Finding]:
    """Compare a dataset with the catalogue, and yield what differs.

    :param found: None: the catalogue has none of that path.
    """
    made = known.made

    def finding(what: str, recorded: Any, now: Any, text: str, to_do: str) -> Finding:
        return Finding(known.place, made.dataset, what, recorded, now, text, to_do, made.key)

    again = "clear the dataset's task of its run, which makes it as it was planned"
    if found is None:
        text = "the catalogue no longer has it, and nobody retired it here"
        retire = f"or `dirac-prodsys datasets retire {made.dataset}`, if it is not needed"
        yield finding("dataset", "there", "", text, f"{again}; {retire}")
        return
    if found.trouble:
        # released by its full path, DIRAC forgets the files of a dataset and leaves it frozen
        text = f"the catalogue cannot say what it holds: {found.trouble}"
        to_do = (
            f"remove it by its last part (`dataset rm` of dirac-dms-filecatalog-cli), then {again}"
        )
        yield finding("answer", "", found.trouble, text, to_do)
        return
    if made.frozen and not found.frozen:
        text = "it is no longer frozen: its files can change"
        to_do = "freeze it in the catalogue again, when its files are what they should be"
        yield finding("frozen", True, False, text, to_do)
    if made.query and not _is_same(made.query, found.query):
        text = "it has another query"
        yield finding("query", dict(made.query), dict(found.query), text, again)
    if found.check is not None:
        yield from _file_drift(made, found.check, finding)


def is_as_recorded(known: KnownDataset, frozen: bool, files: int) -> bool:
    """Whether the numbers say that no file went: enough for a sweep that is to be quick."""
    made = known.made
    return made.frozen and frozen and made.files == files


def _file_drift(made: DatasetRecord, check: DatasetCheck, finding: Any) -> Iterator[Finding]:
    see = f"`dirac-prodsys datasets verify {made.dataset}` names all"
    gone = len(check.gone) + check.gone_unnamed
    if not gone and made.frozen and made.files is not None:
        gone = max(0, made.files - check.files)  # a list that was kept later does not have them
    if gone:
        names = f": {first_of(list(check.gone), _NAMED)}" if check.gone else ""
        text = f"{counted(gone, 'file')} went{names}"
        to_do = f"{see}; restore them, or begin the steps anew whose tasks made them"
        yield finding("files", made.files, check.files, text, to_do)
    if check.changed:
        first = f"{check.changed[0].lfn}: {check.changed[0].how}"
        text = f"{counted(len(check.changed), 'file')} changed: {first}"
        yield finding("changed", 0, len(check.changed), text, f"{see}; use a copy from before")
    if check.without_replica:
        names = first_of(list(check.without_replica), _NAMED)
        text = f"{counted(len(check.without_replica), 'file')} without replica: {names}"
        to_do = f"{see}; look at the storage elements, and copy them back"
        yield finding("replicas", 0, len(check.without_replica), text, to_do)


def size_now(known: KnownDataset, found: FoundDataset | None, at: datetime) -> DatasetRecord | None:
    """Return the dataset as it is now; None: it has as many files as the newest record says."""
    if found is None:
        return None
    files = found.files if found.check is None else found.check.files
    if files is None:
        return None
    if files == known.newest.files and found.frozen == known.newest.frozen:
        return None
    return DatasetRecord(
        at=at,
        dataset=known.made.dataset,
        files=files,
        bytes=None if found.check is None else found.check.size,
        query=dict(found.query),
        run_ranges=known.made.run_ranges,
        frozen=found.frozen,
        adopted=True,
        occasion=known.newest.key,
        **known.place.to_dict(),
    )


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    try:
        return MetaQuery.from_dirac(one) == MetaQuery.from_dirac(other)
    except MetaQueryError:
        return dict(one) == dict(other)
