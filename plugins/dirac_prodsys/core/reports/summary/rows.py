"""Makes the rows of the summary from records: one row a dataset, whoever made it.

A dataset has one row, however many transformations and runs made it. A run that makes no dataset
has one row a step. Rows that a site entered for earlier work stand before the others.

Invariant: a pure function of the records, in whatever order they come; what no record says is
unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dirac_prodsys.core.reports.ledger.identity import Identity, identity_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CommentRecord,
    CountsRecord,
    DatasetRecord,
    StepRecord,
    StorageRecord,
    SummaryRecord,
)
from dirac_prodsys.core.reports.summary.row import SummaryRow

#: the kinds of records that a summary needs; of counts and storage, the last of each
#: transformation is enough
KINDS = ("step", "counts", "storage", "dataset", "comment", "summary")

#: kinds by which a production or a campaign is chosen; the others follow
_CHOSEN = frozenset({"step", "summary"})

R = TypeVar("R", bound=Record)
K = TypeVar("K")
N = TypeVar("N", int, float)


@dataclass
class _Records:
    """The records by kind; of what changes, the newest.

    :param comments: dataset or production → comments, the oldest first.
    """

    steps: dict[Identity, StepRecord] = field(default_factory=dict)
    counts: dict[Identity, CountsRecord] = field(default_factory=dict)
    storage: dict[Identity, StorageRecord] = field(default_factory=dict)
    datasets: dict[tuple[str, str], list[DatasetRecord]] = field(
        default_factory=lambda: defaultdict(list)
    )
    comments: dict[str, list[CommentRecord]] = field(default_factory=lambda: defaultdict(list))
    entered: dict[tuple[str, str, int], SummaryRecord] = field(default_factory=dict)


def summary_rows(
    records: Iterable[Record], *, production: str = "", campaign: str = ""
) -> list[SummaryRow]:
    """Return the rows of a production, of a campaign, or of all that there are.

    :param production: only what this production made.
    :param campaign: only what belongs to this campaign.
    """
    known = _sorted_by_kind(
        record
        for record in records
        if record.kind not in _CHOSEN
        or (production in ("", record.production) and campaign in ("", record.campaign))
    )
    entered = [
        _with_comments(_entered(one), known.comments) for _, one in sorted(known.entered.items())
    ]
    return entered + [
        _with_comments(_row(dataset, steps, known), known.comments)
        for dataset, steps in _by_dataset(known.steps.values())
    ]


def _sorted_by_kind(records: Iterable[Record]) -> _Records:
    found = _Records()
    for record in records:
        match record:
            case StepRecord():
                _keep_newest(found.steps, identity_of(record), record)
            case CountsRecord():
                _keep_newest(found.counts, identity_of(record), record)
            case StorageRecord():
                _keep_newest(found.storage, identity_of(record), record)
            case DatasetRecord():
                found.datasets[record.vo, record.dataset].append(record)
            case CommentRecord():
                found.comments[record.dataset or record.production].append(record)
            case SummaryRecord():
                _keep_newest(found.entered, (record.vo, record.campaign, record.number), record)
    for versions in found.datasets.values():
        versions.sort(key=lambda one: one.at)
    for some in found.comments.values():
        some.sort(key=lambda one: one.at)
    return found


def _keep_newest(kept: dict[K, R], key: K, record: R) -> None:
    there = kept.get(key)
    if there is None or there.at <= record.at:
        kept[key] = record


def _by_dataset(steps: Iterable[StepRecord]) -> list[tuple[str, list[StepRecord]]]:
    """Group steps by the dataset that they make, in the order in which they began."""
    ordered = sorted(steps, key=lambda one: (one.at, one.transformation or 0, one.step))
    making = {(one.vo, one.production, one.run) for one in ordered if one.dataset}
    groups: dict[object, list[StepRecord]] = {}
    for one in ordered:
        if one.dataset:
            groups.setdefault((one.vo, one.dataset), []).append(one)
        elif not one.run or (one.vo, one.production, one.run) not in making:
            groups[identity_of(one)] = [one]
    return [(some[0].dataset, some) for some in groups.values()]


def _row(dataset: str, steps: Sequence[StepRecord], known: _Records) -> SummaryRow:
    versions = known.datasets.get((steps[0].vo, dataset), []) if dataset else []
    per_file = {one.events_per_file for one in steps}
    each = per_file.pop() if len(per_file) == 1 else None
    files, sizes, events = _then_and_now(versions)
    if not versions:
        stored = [known.storage[at] for at in map(identity_of, steps) if at in known.storage]
        files = _sum([one.files for one in stored])
        sizes = _sum([one.bytes for one in stored])
        events = _sum([one.events for one in stored])
    if not events and each is not None:
        events = tuple(float(number * each) for number in files)
    targets = [_target(one) for one in steps]
    return SummaryRow(
        transformations=tuple(
            dict.fromkeys(one.transformation for one in steps if one.transformation is not None)
        ),
        dataset=dataset,
        run_ranges=versions[-1].run_ranges if versions else (),
        files=files,
        events_per_file=each,
        events=events,
        target=None if None in targets else sum(one for one in targets if one is not None),
        status=_status(steps, versions, known),
        query=versions[-1].query if versions else {},
        bytes=sizes,
        vo=steps[0].vo,
        campaign=", ".join(dict.fromkeys(one.campaign for one in steps if one.campaign)),
        productions=_named(one.production for one in steps),
        runs=_named(one.run for one in steps),
        steps=_named(one.step for one in steps),
    )


def _entered(record: SummaryRecord) -> SummaryRow:
    """Return the row that a site entered."""
    same = set(SummaryRow.__dataclass_fields__) & set(SummaryRecord.model_fields)
    values = {name: getattr(record, name) for name in same}
    per_file = record.showers_per_file
    productions = _named([record.production])
    return replace(SummaryRow(**values), events_per_file=per_file, productions=productions)


def _then_and_now(
    versions: Sequence[DatasetRecord],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    """Return files, bytes and events of a dataset: when it was made, and now."""
    if not versions:
        return (), (), ()
    first = next((one for one in versions if one.frozen), versions[0])
    pair = (first, versions[-1])
    return (
        _pair([one.files for one in pair]),
        _pair([one.bytes for one in pair]),
        _pair([one.events for one in pair]),
    )


def _pair(values: Sequence[N | None]) -> tuple[N, ...]:
    """Return what is known of two numbers; one, if they are the same."""
    known = [value for value in values if value is not None]
    return tuple(dict.fromkeys(known))


def _sum(values: Sequence[N | None]) -> tuple[N, ...]:
    """Return the sum; nothing, if it is unknown."""
    known = [value for value in values if value is not None]
    return (sum(known),) if known and len(known) == len(values) else ()


def _target(step: StepRecord) -> float | None:
    if step.target is not None:
        return step.target
    if step.tasks is None or step.events_per_file is None:
        return None
    return float(step.tasks * step.events_per_file)


def _status(steps: Sequence[StepRecord], versions: Sequence[DatasetRecord], known: _Records) -> str:
    """Return DIRAC's statuses; a dataset that was removed has one of its own."""
    if versions and versions[-1].retired:
        return "retired"
    counts = (known.counts.get(identity_of(one)) for one in steps)
    return ", ".join(dict.fromkeys(one.status_since for one in counts if one is not None))


def _with_comments(row: SummaryRow, comments: Mapping[str, Sequence[CommentRecord]]) -> SummaryRow:
    """Add what people wrote: the newest about the dataset, or about each of its steps."""
    newest: dict[object, str] = {}
    for name in filter(None, dict.fromkeys((row.dataset, *row.productions))):
        for one in comments.get(name, ()):
            if one.vo in ("", row.vo) and _is_about(one, row):
                newest[one.dataset or (one.production, one.run, one.step)] = one.text
    texts = "; ".join(dict.fromkeys(text for text in newest.values() if text))
    return replace(row, comment=texts) if newest else row


def _is_about(comment: CommentRecord, row: SummaryRow) -> bool:
    if comment.dataset:
        return comment.dataset == row.dataset
    return (
        bool(comment.production)
        and comment.production in row.productions
        and (not comment.run or comment.run in row.runs)
        and (not comment.step or comment.step in row.steps)
    )


def _named(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
