"""Reports the results of a run: all steps in one table, and below it the jobs of each.

Invariant: numbers come from snapshots and job reports; any text that a job left stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dirac_prodsys.core.grid.jobs import JobReport, JobState
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.reports.progress import StepRow, summary
from dirac_prodsys.core.text.wording import by_state, counted

_HEAD = ("Step", "ID", "Type", "Status", "Files", "Tasks", "Failed jobs", "Dataset")

#: maximum number of causes named for all steps together
_CAUSES = 5

#: number of steps up to which the jobs of each are shown; beyond, each step has a report of its own
MOST_STEPS = 50


@dataclass(frozen=True)
class DatasetState:
    """A dataset in the catalogue.

    :param files: number of files that it holds now.
    :param frozen: whether its files can no longer change.
    """

    files: int
    frozen: bool

    def __str__(self) -> str:
        return f"{counted(self.files, 'file')}, {'frozen' if self.frozen else 'not frozen'}"


@dataclass(frozen=True)
class StepReport:
    """The report on one step.

    :param jobs: None if unknown.
    :param remarks: what a person should look at.
    :param dataset: the step's dataset in the catalogue; None: it was not made.
    :param dataset_known: whether the catalogue could be asked.
    """

    row: StepRow
    jobs: JobReport | None = None
    remarks: tuple[str, ...] = ()
    dataset: DatasetState | None = None
    dataset_known: bool = True

    @property
    def failed_jobs(self) -> int:
        """Count the jobs that ended badly."""
        rows = () if self.jobs is None else self.jobs.rows
        return sum(row.total for row in rows if JobState(0, row.status).bad)

    def to_dict(self, *, rows: bool = True) -> dict[str, Any]:
        """Return the JSON form.

        :param rows: whether to include the rows of its jobs.
        """
        jobs = None if self.jobs is None else self.jobs.to_dict()
        if jobs is not None and not rows:
            del jobs["rows"]
        return {
            **self.row.to_dict(),
            "dataset_state": self._dataset_state(),
            "jobs": jobs,
            "remarks": list(self.remarks),
        }

    def dataset_words(self) -> str:
        """Describe the step's dataset and its state."""
        if not self.row.dataset:
            return "-"
        made = str(self.dataset or "not made") if self.dataset_known else "not known"
        return f"{self.row.dataset}: {made}"

    def _dataset_state(self) -> dict[str, Any] | None:
        if not self.row.dataset:
            return None
        made = self.dataset is not None if self.dataset_known else None
        files, frozen = (self.dataset.files, self.dataset.frozen) if self.dataset else (None, None)
        return {"made": made, "files": files, "frozen": frozen}


@dataclass(frozen=True)
class ProductionReport:
    """The report on a run of a production."""

    production: str
    run: str
    steps: tuple[StepReport, ...]

    @property
    def title(self) -> str:
        """Return the title."""
        return f"production {self.production}, run {self.run}"

    def causes(self) -> list[str]:
        """Name why most jobs failed, the most frequent cause of any step first."""
        found = [
            (cause.total, f"{cause.total} jobs of {step.row.step}: {cause.text}")
            for step in self.steps
            if step.jobs is not None
            for cause in step.jobs.causes()
        ]
        return [text for _, text in sorted(found, key=lambda pair: (-pair[0], pair[1]))][:_CAUSES]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; with many steps, without the rows of their jobs."""
        return {
            "production": self.production,
            "run": self.run,
            "steps": [step.to_dict(rows=self._shows_jobs) for step in self.steps],
            "causes": self.causes(),
        }

    def table(self) -> str:
        """Write all steps as one table, for a log or a mail."""
        rows = [_HEAD, *map(_cells, self.steps)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        rule = tuple("-" * width for width in widths)
        lines = [self.title]
        for row in (rows[0], rule, *rows[1:]):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
        return "\n".join([*lines, *self.causes(), *self._remarks()])

    def to_text(self) -> str:
        """Write the table and the jobs of each step; with many steps, the table alone."""
        return "\n\n".join([self.table(), *(jobs.to_text() for jobs in self._job_tables())])

    def to_html(self) -> str:
        """Write the same as a piece of HTML."""
        head = "".join(f"<th>{name}</th>" for name in _HEAD)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(step)) + "</tr>"
            for step in self.steps
        )
        words = "".join(f"<p>{escape(line)}</p>" for line in self.causes() + self._remarks())
        jobs = "".join(jobs.to_html() for jobs in self._job_tables())
        return (
            f"<h2>{escape(self.title)}</h2><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>{words}{jobs}"
        )

    @property
    def _shows_jobs(self) -> bool:
        return len(self.steps) <= MOST_STEPS

    def _job_tables(self) -> list[JobReport]:
        found = [step.jobs for step in self.steps if step.jobs is not None and step.jobs.total]
        return found if self._shows_jobs else []

    def _remarks(self) -> list[str]:
        return [f"{step.row.step}: {remark}" for step in self.steps for remark in step.remarks]


def production_report(
    plan: ProductionPlan,
    snapshots: Mapping[str, Snapshot],
    jobs: Mapping[str, JobReport],
    remarks: Mapping[str, Iterable[str]] | None = None,
    *,
    datasets: Mapping[str, DatasetState | None] | None = None,
) -> ProductionReport:
    """Return the report on a run.

    :param snapshots: transformation name → snapshot; a step without one was not made.
    :param jobs: transformation name → report on its jobs.
    :param remarks: transformation name → remarks.
    :param datasets: dataset name → its state, None: the catalogue has none; the catalogue could not
        be asked about a missing name.
    """
    remarks, datasets = remarks or {}, datasets or {}
    steps = tuple(
        StepReport(
            row,
            jobs.get(row.name),
            tuple(remarks.get(row.name, ())),
            datasets.get(row.dataset),
            row.dataset in datasets,
        )
        for row in summary(plan, snapshots)
    )
    return ProductionReport(plan.production, plan.run, steps)


def page(title: str, parts: Sequence[str]) -> str:
    """Write a document of such pieces of HTML."""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(title)}</title>'
        "<style>body{font-family:sans-serif}table{border-collapse:collapse}"
        "td,th{border:1px solid #999;padding:2px 8px;text-align:left}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _cells(step: StepReport) -> tuple[str, ...]:
    row = step.row
    return (
        row.step,
        "-" if row.id is None else str(row.id),
        row.type,
        row.status or "not made",
        by_state(row.files),
        by_state(row.tasks),
        str(step.failed_jobs) if step.jobs is not None else "?",
        step.dataset_words(),
    )
