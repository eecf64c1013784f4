"""Computes how far a run is, and when it is done, from the course of each of its steps.

While the parents of a step are at work, its files are not all there yet: the total in the end is
estimated from how far the parents are. No step is done before its parents.

Invariant: pure. What is not known is not guessed, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.reports.course import Amount, Point, files_of, tasks_of
from dirac_prodsys.core.reports.forecast import Forecast, forecast
from dirac_prodsys.core.text.wording import span


@dataclass(frozen=True)
class StepCourse:
    """What is known of a step.

    :param seen: the transformation now; None: it was not made yet.
    :param points: its past, in the unit that :func:`unit_of` says.
    :param wanted: number of tasks that it declares; None: they come from files.
    :param events_per_file: events that were simulated for one file; None: unknown.
    """

    step: str
    seen: Snapshot | None
    points: tuple[Point, ...] = ()
    parents: tuple[str, ...] = ()
    wanted: int | None = None
    events_per_file: int | None = None


@dataclass(frozen=True)
class StepProgress:
    """How far a step is.

    :param unit: what the share is counted in.
    :param events: events in what is done, and in all; None: unknown.
    :param fraction: 0 to 1; of what is known now, or of what is expected in the end.
    """

    step: str
    status: str
    unit: Literal["tasks", "files"]
    files: Amount
    tasks: Amount
    events: Amount | None
    fraction: float
    forecast: Forecast

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "forecast": self.forecast.to_dict()}


@dataclass(frozen=True)
class RunProgress:
    """How far a run is; amounts are the sums of its steps.

    :param fraction: mean of the fractions of its steps.
    """

    steps: tuple[StepProgress, ...]
    files: Amount
    tasks: Amount
    events: Amount | None
    fraction: float
    forecast: Forecast

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without its steps."""
        found = {**asdict(self), "forecast": self.forecast.to_dict()}
        del found["steps"]
        return found


def unit_of(seen: Snapshot, wanted: int | None) -> Literal["tasks", "files"]:
    """Return what a step is counted in: tasks if it declares them, or has no files."""
    return "files" if wanted is None and seen.files else "tasks"


def amount_of(seen: Snapshot, wanted: int | None = None) -> Amount:
    """Return how far it is, in its unit."""
    return files_of(seen) if unit_of(seen, wanted) == "files" else tasks_of(seen, wanted)


def run_progress(steps: Sequence[StepCourse], now: float) -> RunProgress:
    """Return how far a run is.

    :param steps: parents before children.
    :param now: seconds since the epoch.
    """
    found: dict[str, StepProgress] = {}
    finals: dict[str, float] = {}
    for each in steps:
        parents = {name: found[name] for name in each.parents if name in found}
        found[each.step] = _step(each, parents, finals, now)
    rows = tuple(found.values())
    events = [row.events for row in rows]
    return RunProgress(
        rows,
        _sum([row.files for row in rows]),
        _sum([row.tasks for row in rows]),
        _sum([one for one in events if one is not None]) if any(events) else None,
        sum(row.fraction for row in rows) / len(rows) if rows else 0.0,
        _last_of(rows, now),
    )


def is_over(status: str) -> bool:
    """Whether nothing more is done in this status."""
    return TransformationStatus(status) in ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION


def forecast_words(made: Forecast, now: float) -> str:
    """Write when it is done: ``in 3 h (2 h to 5 h)``, or why that is not known."""
    if made.expected is not None and made.earliest is not None and made.latest is not None:
        if made.expected <= now:
            return "done"
        low, high = span(max(0.0, made.earliest - now)), span(made.latest - now)
        return f"in {span(made.expected - now)} ({low} to {high})"
    if made.earliest is not None and made.earliest > now:
        return f"not before {span(made.earliest - now)}: {made.why}"
    return f"not known: {made.why}"


def rate_words(made: Forecast) -> str:
    """Write the rate: ``12.5``; ``-`` if it is unknown."""
    return "-" if made.rate is None else f"{made.rate:.3g}"


def _step(
    each: StepCourse, parents: Mapping[str, StepProgress], finals: dict[str, float], now: float
) -> StepProgress:
    seen = each.seen
    if seen is None:
        tasks, why = Amount(0, each.wanted or 0), Forecast(why="it has not begun")
        unit: Literal["tasks", "files"] = "files" if each.wanted is None else "tasks"
        return StepProgress(each.step, "", unit, Amount(), tasks, None, 0.0, why)
    amount = amount_of(seen, each.wanted)
    working = {name: row for name, row in parents.items() if not is_over(row.status)}
    final = _final(amount, working, parents, finals)
    finals[each.step] = max(final or 0.0, amount.total)
    points = (*(one for one in each.points if one.at < now), Point(now, amount.done, amount.total))
    if is_over(seen.status):
        made, fraction = Forecast(expected=now, earliest=now, latest=now), 1.0
    else:
        made = forecast(points, now, final=final)
        made = _after_parents(made, working)
        fraction = min(1.0, amount.done / finals[each.step]) if finals[each.step] else 0.0
    return StepProgress(
        each.step,
        str(seen.status),
        unit_of(seen, each.wanted),
        files_of(seen),
        tasks_of(seen, each.wanted),
        _events(amount, each.events_per_file),
        fraction,
        made,
    )


def _final(
    amount: Amount,
    working: Mapping[str, StepProgress],
    parents: Mapping[str, StepProgress],
    finals: Mapping[str, float],
) -> float | None:
    """Return how much there will be in the end; None: the parents do not tell."""
    if not parents:
        return None
    if not working:
        return float(amount.total)
    done = sum(_own(row).done for row in parents.values())
    all_ = sum(max(finals.get(name, 0.0), _own(row).total) for name, row in parents.items())
    return amount.total * all_ / done if done and amount.total else None


def _after_parents(made: Forecast, working: Mapping[str, StepProgress]) -> Forecast:
    """Return the estimate, no earlier than those of the parents that are at work."""
    before = [made, *(row.forecast for row in working.values())]
    earliest = max((one.earliest for one in before if one.earliest is not None), default=None)
    if made.known:
        for name, row in working.items():
            if not row.forecast.known:
                why = f"{name}: {row.forecast.why}"
                return Forecast(made.rate, earliest=earliest, why=why)
        return replace(
            made,
            earliest=earliest,
            expected=max(one.expected or 0.0 for one in before),
            latest=max(one.latest or 0.0 for one in before),
        )
    return replace(made, earliest=earliest)


def _last_of(rows: Sequence[StepProgress], now: float) -> Forecast:
    """Return when the last step is done."""
    left = [row for row in rows if not is_over(row.status or "New")]
    if not left:
        return Forecast(expected=now, earliest=now, latest=now)
    earliest = max(
        (row.forecast.earliest for row in left if row.forecast.earliest is not None), default=None
    )
    for row in left:
        if not row.forecast.known:
            return Forecast(earliest=earliest, why=f"{row.step}: {row.forecast.why}")
    return Forecast(
        expected=max(row.forecast.expected or 0.0 for row in left),
        earliest=earliest,
        latest=max(row.forecast.latest or 0.0 for row in left),
    )


def _own(row: StepProgress) -> Amount:
    return row.files if row.unit == "files" else row.tasks


def _events(amount: Amount, per_file: int | None) -> Amount | None:
    if per_file is None:
        return None
    return Amount(amount.done * per_file, amount.total * per_file)


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(sum(one.done for one in amounts), sum(one.total for one in amounts))
