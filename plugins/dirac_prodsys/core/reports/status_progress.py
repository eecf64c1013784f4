"""Adds to the rows of a status how far each step and run is, and when it is done.

Invariant: pure. What the grid says now comes from the rows; the past comes from records of the
ledger, or from earlier looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.reports.course import Point, courses
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import StepRecord
from dirac_prodsys.core.reports.run_progress import (
    RunProgress,
    StepCourse,
    StepProgress,
    amount_of,
    forecast_words,
    rate_words,
    run_progress,
)
from dirac_prodsys.core.reports.status_view import StatusRow
from dirac_prodsys.core.run.registry import status_of
from dirac_prodsys.core.text.wording import by_state

#: name and ID of a transformation: IDs alone begin anew when a database does
Key = tuple[str, int]


@dataclass
class Past:
    """What is known of the past of transformations.

    :param steps: what the ledger says of each.
    :param points: how far each was, the oldest first.
    """

    steps: dict[Key, StepRecord] = field(default_factory=dict)
    points: dict[Key, list[Point]] = field(default_factory=dict)

    def learn(self, records: Iterable[Record]) -> None:
        """Add what the ledger knows; once, before any look."""
        known = list(records)
        for record in known:
            if isinstance(record, StepRecord) and record.transformation is not None:
                self.steps[record.name, record.transformation] = record
        for one, course in courses(known).items():
            if one.transformation is not None:
                self.points[one.name, one.transformation] = list(course.points)

    def look(self, rows: Iterable[StatusRow], now: float) -> None:
        """Add what a look at the grid found; of looks that found the same, two are kept."""
        for row in rows:
            amount = amount_of(row.snapshot, self._wanted(row))
            points = self.points.setdefault(_key(row), [])
            same = [(one.done, one.total) for one in points[-2:]]
            if same == [(amount.done, amount.total)] * 2:
                points.pop()
            points.append(Point(now, amount.done, amount.total))

    @property
    def known(self) -> bool:
        """Whether there is any past: of one look, nothing follows."""
        return any(len(points) > 1 for points in self.points.values())

    def course(self, row: StatusRow) -> StepCourse:
        """Return what is known of the step of a row."""
        step = self.steps.get(_key(row))
        return StepCourse(
            row.label,
            row.snapshot,
            tuple(self.points.get(_key(row), ())),
            () if step is None else step.parents,
            self._wanted(row),
            None if step is None else step.events_per_file,
        )

    def _wanted(self, row: StatusRow) -> int | None:
        step = self.steps.get(_key(row))
        return None if step is None else step.tasks


@dataclass(frozen=True)
class RunOverview:
    """One run of a production.

    :param rows: its transformations; :param state: as DIRAC's ProductionSystem would have it.
    """

    production: str
    run: str
    state: str
    rows: tuple[StatusRow, ...]
    progress: RunProgress

    @property
    def done(self) -> int:
        """Count the steps that have ended well."""
        return sum(row.completed for row in self.rows)

    @property
    def over(self) -> bool:
        """Whether the grid no longer works on it."""
        return all(row.over for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "production": self.production,
            "run": self.run,
            "state": self.state,
            "done": self.done,
            "steps": len(self.rows),
            "progress": self.progress.to_dict(),
        }


def overviews(rows: Iterable[StatusRow], past: Past, now: float) -> list[RunOverview]:
    """Return the runs of the rows, in their order; what is not ours has none."""
    groups: dict[tuple[str, str], list[StatusRow]] = {}
    for row in rows:
        if row.parts is not None:
            groups.setdefault((row.production, row.run), []).append(row)
    return [
        RunOverview(
            production,
            run,
            str(status_of([row.snapshot.status for row in some], len(some))),
            tuple(some),
            run_progress([past.course(row) for row in some], now),
        )
        for (production, run), some in groups.items()
    ]


def by_transformation(runs: Iterable[RunOverview]) -> dict[int, StepProgress]:
    """Return the progress of each transformation, by its ID."""
    return {
        row.snapshot.id: progress
        for run in runs
        for row, progress in zip(run.rows, run.progress.steps, strict=True)
    }


def with_forecasts(
    head: Sequence[str],
    cells: Sequence[Sequence[str]],
    rows: Sequence[StatusRow],
    progress: Mapping[int, StepProgress],
    now: float,
) -> tuple[list[str], list[list[str]]]:
    """Add columns to the table of steps: the rate, and when each is done."""
    found = []
    for cell, row in zip(cells, rows, strict=True):
        one = progress.get(row.snapshot.id)
        words = ["-", "-"]
        if one is not None:
            words = [rate_words(one.forecast), forecast_words(one.forecast, now)]
        found.append([*cell, *words])
    return [*head, "Per hour", "Done"], found


def overview_columns(
    runs: Sequence[RunOverview], now: float, *, forecasts: bool
) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the table of runs.

    :param forecasts: whether to say when each is done.
    """
    head = ["Production", "Run", "State", "Steps", "Tasks", "Files", *["Done"] * forecasts]
    cells = []
    for run in runs:
        states: dict[str, int] = {}
        for row in run.rows:
            for word, number in row.snapshot.tasks.items():
                states[word] = states.get(word, 0) + number
        files = run.progress.files
        line = [run.production, run.run, run.state, f"{run.done}/{len(run.rows)}", by_state(states)]
        line.append(f"{files.done}/{files.total}" if files.total else "-")
        line += [forecast_words(run.progress.forecast, now)] * forecasts
        cells.append(line)
    return head, cells


def _key(row: StatusRow) -> Key:
    return row.snapshot.name, row.snapshot.id
