"""Decides whether a run will miss its deadline, from the course of one of its steps.

The earliest moment at which a run can be done is the latest among those of its steps. So a run is
late when one step is, and the wait of each step can decide alone.

Invariant: pure. What is not known is not said to be late; a deadline that has passed is.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.reports.course import Point
from dirac_prodsys.core.reports.forecast import forecast
from dirac_prodsys.core.reports.run_progress import amount_of, forecast_words
from dirac_prodsys.core.text.wording import clock

#: seconds between two points that are remembered, and between two estimates
EVERY = 60.0
#: most points that are remembered; then every other one is forgotten
_MOST = 400


def followed(
    points: tuple[Point, ...], seen: Snapshot, wanted: int | None, now: float
) -> tuple[Point, ...]:
    """Return the points with the present one.

    :param wanted: number of tasks that the step declares; None: they come from files.
    """
    amount = amount_of(seen, wanted)
    if len(points) >= _MOST:
        points = points[::2]
    return (*points, Point(now, amount.done, amount.total))


def lateness(points: Sequence[Point], now: float, due: float, *, final: bool) -> str:
    """Say why the run misses its deadline; empty: it does not, or nobody knows yet.

    :param points: how far a step was, the oldest first; it is not done.
    :param due: the deadline, in seconds since the epoch.
    :param final: whether no more work comes to the step.
    """
    last = points[-1] if points else Point(now, 0, 0)
    when = clock(due, now)
    if now > due:
        return f"its deadline was {when}, and {last.done:.0f} of {last.total:.0f} are done"
    made = forecast(points, now, final=last.total if final else None)
    if made.earliest is None or made.earliest <= due:
        return ""
    return f"its deadline is {when}, and it is done {forecast_words(made, now)}"
