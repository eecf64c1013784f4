"""An estimate holds what it promises on courses whose end is known, and says when it knows nothing.

``test_the_interval_holds_the_end`` is the back-test: at each moment of each course, the estimate is
made of what was known then, and compared with when it really ended.
"""

from __future__ import annotations

from statistics import median

import pytest

from dirac_prodsys.core.reports.course import Point
from dirac_prodsys.core.reports.forecast import Forecast, forecast
from tests.unit.core.reports.simulated_courses import HOUR, KINDS, simulated

#: courses of each kind, and moments of each at which it is tried
COURSES, MOMENTS = 12, 25


def line(hours: int, per_hour: int, total: int) -> list[Point]:
    return [Point(h * HOUR, min(total, h * per_hour), total) for h in range(hours + 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_holds_the_end(kind: str) -> None:
    made: list[tuple[Forecast, float, float]] = []
    for seed in range(COURSES):
        points, end = simulated(kind, seed)
        looks = range(1, len(points), max(1, len(points) // MOMENTS))
        for number in looks:
            now = points[number].at
            if now < end:
                made.append((forecast(points[: number + 1], now), end, now))
    known = [(one, end, now) for one, end, now in made if one.known]
    held = [one.earliest <= end <= one.latest for one, end, _ in known]
    widths = [(one.latest - one.earliest) / (end - now) for one, end, now in known]
    print(f"{kind}: {sum(held) / len(held):.0%} of {len(held)}, width {median(widths):.2f}")
    assert len(held) > 150
    assert len(known) > 0.8 * len(made), "silence is no estimate"
    assert sum(held) >= 0.7 * len(held)
    assert median(widths) < 1.6, "an interval that holds everything says nothing"


def test_counts_that_the_ledger_has_thinned_to_one_an_hour_are_enough() -> None:
    held = []
    for kind in KINDS:
        for seed in range(4):
            points, end = simulated(kind, seed)
            hourly = points[::3]
            for number in range(1, len(hourly), max(1, len(hourly) // MOMENTS)):
                now = hourly[number].at
                made = forecast(hourly[: number + 1], now)
                if now < end and made.known:
                    held.append(made.earliest <= end <= made.latest)
    assert len(held) > 300
    assert sum(held) >= 0.7 * len(held)


def test_a_steady_course_ends_when_the_rate_says() -> None:
    made = forecast(line(10, 10, 200), 10 * HOUR)
    assert made.rate == pytest.approx(10)
    assert made.expected == pytest.approx(20 * HOUR)
    assert 10 * HOUR < made.earliest < made.expected < made.latest < 30 * HOUR


def test_near_the_end_the_recent_past_counts() -> None:
    slow = line(20, 2, 1000)
    fast = [Point((20 + h) * HOUR, 40 + 40 * h, 400) for h in range(1, 9)]
    made = forecast([*slow, *fast], 28 * HOUR)  # 40 are left, at 40 an hour
    assert made.expected == pytest.approx(29 * HOUR, rel=0.02)


def test_the_time_before_the_first_one_is_done_does_not_count() -> None:
    idle = [Point(h * HOUR, 0, 200) for h in range(100)]
    work = [Point((100 + h) * HOUR, 10 * h, 200) for h in range(11)]
    assert forecast([*idle, *work], 110 * HOUR).expected == pytest.approx(120 * HOUR, rel=0.02)


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([], "no counts yet"),
        ([Point(0, 0, 0)], "how much there is to do is not known"),
        ([Point(0, 5, 100)], "too little is done for an estimate"),
        ([Point(h * HOUR, 0, 100) for h in range(9)], "too little is done for an estimate"),
        ([Point(h * HOUR, min(h, 3), 100) for h in range(9)], "too little is done for an estimate"),
        ([*line(10, 10, 200), Point(15 * HOUR, 100, 200)], "nothing was done for 5 h"),
        (line(15, 10, 100), "all that is there is done"),
    ],
)
def test_where_nothing_is_known_it_says_why(points: list[Point], why: str) -> None:
    now = points[-1].at if points else 0.0
    made = forecast(points, now)
    assert (made.known, made.why) == (False, why)
    assert (made.earliest, made.latest) == (None, None)


def test_a_total_that_grows_bounds_the_end_from_below_only() -> None:
    growing = [Point(h * HOUR, 10 * h, 100 + 20 * h) for h in range(11)]
    made = forecast(growing, 10 * HOUR)
    assert (made.known, made.latest, made.why) == (False, None, "more files still come")
    assert made.earliest > 15 * HOUR
    known = forecast(growing, 10 * HOUR, final=400)
    assert known.expected == pytest.approx(40 * HOUR)


def test_after_a_stall_it_estimates_again_and_later() -> None:
    before = line(10, 10, 300)
    stall = [Point((10 + h) * HOUR, 100, 300) for h in range(1, 6)]
    after = [Point((15 + h) * HOUR, 100 + 10 * h, 300) for h in range(1, 4)]
    assert not forecast([*before, *stall], 15 * HOUR).known
    again = forecast([*before, *stall, *after], 18 * HOUR)
    assert again.known
    assert again.latest > 35 * HOUR  # with no other stall


def test_counts_that_go_back_and_moments_in_any_order_do_no_harm() -> None:
    points = line(10, 10, 200)
    shaken = [*points[5:], Point(4.5 * HOUR, 20, 200), *points[:5]]
    assert forecast(shaken, 10 * HOUR).expected == pytest.approx(20 * HOUR, rel=0.05)


def test_what_comes_later_is_not_looked_at() -> None:
    points = line(20, 10, 400)
    assert forecast(points, 10 * HOUR) == forecast(points[:11], 10 * HOUR)
