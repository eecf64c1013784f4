"""Recalls from the ledger what the grid has forgotten: counts and jobs of transformations.

DIRAC forgets files, tasks and jobs when it archives a transformation; a grid whose database began
anew forgets all. Reports then show what the ledger has.

Invariant: pure. What the grid still says is never replaced; what nobody knows stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from dirac_prodsys.core.grid.jobs import JobReport, JobRow
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.naming import means_run
from dirac_prodsys.core.reports.ledger.records import CountsRecord, JobsRecord, StepRecord
from dirac_prodsys.core.reports.meant import Filters, Wanted, wanted
from dirac_prodsys.core.reports.run import ProductionReport, StepReport

#: what a report says that is not from the grid
REMARK = "from the ledger: the grid has forgotten it"


@dataclass(frozen=True)
class Recalled:
    """What the ledger has of a transformation.

    :param counts: the last; :param jobs: the last; None: it has none.
    """

    step: StepRecord
    counts: CountsRecord | None = None
    jobs: JobsRecord | None = None


def is_forgotten(seen: Snapshot | None) -> bool:
    """Whether the grid has forgotten the files and tasks of a transformation.

    :param seen: None: the grid does not have it.
    """
    if seen is None:
        return True
    return seen.status == TransformationStatus.ARCHIVED and not seen.tasks and not seen.files


def recalled_snapshot(seen: Snapshot, known: Recalled | None) -> Snapshot:
    """Return what the grid says, with the counts of the ledger where it has forgotten them."""
    if known is None or known.counts is None or not is_forgotten(seen):
        return seen
    return replace(seen, files=known.counts.files, tasks=known.counts.tasks)


def snapshot_of(known: Recalled) -> Snapshot:
    """Return a transformation that the grid does not have, as the ledger saw it last."""
    step, counts = known.step, known.counts
    return Snapshot(
        id=step.transformation or 0,
        name=step.name,
        type=step.type,
        status=TransformationStatus(counts.status_since if counts is not None else ""),
        files={} if counts is None else counts.files,
        tasks={} if counts is None else counts.tasks,
    )


def report_of(record: JobsRecord) -> JobReport:
    """Return the report on jobs that a record is made of."""
    names = JobRow.__dataclass_fields__
    rows = tuple(JobRow(**{name: getattr(row, name) for name in names}) for row in record.rows)
    note = "; ".join(part for part in (record.note, REMARK) if part)
    title = f"transformation {record.transformation} {record.name}"
    return JobReport(title, rows, note, unit=record.unit)


def recalled_run(report: ProductionReport, known: Mapping[str, Recalled]) -> ProductionReport:
    """Return the report on a run, with what the ledger has of forgotten transformations.

    :param known: name of a step's first transformation → what the ledger has of the newest.
    """
    steps = tuple(_recalled_step(step, known) for step in report.steps)
    return replace(report, steps=steps)


def _recalled_step(step: StepReport, known: Mapping[str, Recalled]) -> StepReport:
    row, found = step.row, known.get(step.row.name)
    if found is None or found.counts is None:
        return step
    is_there = row.id is not None
    if is_there and (row.status != TransformationStatus.ARCHIVED or row.files or row.tasks):
        return step
    status = row.status or found.counts.status_since
    number = row.id if is_there else found.step.transformation
    seen = replace(
        row, id=number, status=status, files=found.counts.files, tasks=found.counts.tasks
    )
    jobs = step.jobs if found.jobs is None else report_of(found.jobs)
    return replace(step, row=seen, jobs=jobs, remarks=(REMARK,))


def meant_steps(
    names: Sequence[str], steps: Iterable[StepRecord], filters: Filters
) -> list[StepRecord]:
    """Return the transformations of the ledger that names mean, the oldest first.

    Of a production without a run, the newest run is meant.

    :param names: as on the command line.
    """
    ordered = sorted(steps, key=lambda one: (one.at, one.transformation or 0))
    found: dict[str, StepRecord] = {}
    for wish in map(wanted, names):
        fitting = [one for one in ordered if _fits(wish, one, filters)]
        if wish.production and not (wish.run or filters.run):
            newest = {one.production: one.run for one in fitting}
            fitting = [one for one in fitting if one.run == newest[one.production]]
        found.update((one.key, one) for one in fitting)
    return list(found.values())


def _fits(wish: Wanted, one: StepRecord, filters: Filters) -> bool:
    if one.transformation is None or not filters.fits(one.step):
        return False
    if wish.name or wish.pattern:
        named = fnmatchcase(one.name, wish.name or wish.pattern)
        return named and (not filters.run or means_run(filters.run, one.run))
    run = wish.run or filters.run
    return (
        fnmatchcase(one.production, wish.production)
        and fnmatchcase(one.step, wish.step or "*")
        and (not run or means_run(run, one.run))
    )
