"""A run is done when its last step is, and no step before its parents."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.reports.course import Amount, Point
from dirac_prodsys.core.reports.forecast import Forecast
from dirac_prodsys.core.reports.run_progress import (
    RunProgress,
    StepCourse,
    forecast_words,
    run_progress,
)
from tests.unit.core.reports.simulated_courses import HOUR, simulated_chain

NOW = 10 * HOUR


def seen(status: str = "Active", **counts: Any) -> Snapshot:
    return Snapshot(1, "p__r1__s", "Merging", TransformationStatus(status), **counts)


def past(per_hour: int, total: int, grows: int = 0) -> tuple[Point, ...]:
    return tuple(Point(h * HOUR, per_hour * h, total + grows * h) for h in range(10))


def sim(status: str = "Active", done: int = 100) -> StepCourse:
    tasks = {"Done": done, "Running": 5}
    return StepCourse("sim", seen(status, tasks=tasks), past(10, 200), wanted=200)


def merge(processed: int = 50, attached: int = 100) -> StepCourse:
    files = {"Processed": processed, "Unused": attached - processed, "Deleted": 7}
    return StepCourse(
        "merge", seen(files=files, tasks={"Done": 5}), past(5, 0, 10), ("sim",), None, 20
    )


def test_amounts_are_given_of_files_tasks_and_events() -> None:
    made = run_progress([sim(), merge()], NOW)
    assert [row.unit for row in made.steps] == ["tasks", "files"]
    assert made.steps[0].tasks == Amount(100, 200)
    assert (made.steps[1].files, made.steps[1].tasks) == (Amount(50, 100), Amount(5, 5))
    assert (made.steps[0].events, made.steps[1].events) == (None, Amount(1000, 2000))
    assert (made.files, made.tasks, made.events) == (
        Amount(50, 100),
        Amount(105, 205),
        Amount(1000, 2000),
    )


def test_the_files_that_parents_will_still_make_are_counted() -> None:
    made = run_progress([sim(), merge()], NOW)
    first, second = made.steps
    assert (first.fraction, second.fraction) == (0.5, 0.25)  # 100 of 200 files are there
    assert first.forecast.expected == pytest.approx(20 * HOUR)
    assert second.forecast.expected == pytest.approx(40 * HOUR)  # 150 at 5 an hour
    assert made.forecast.expected == second.forecast.expected
    assert made.fraction == 0.375


def test_no_step_is_done_before_its_parents() -> None:
    first, second = run_progress([sim(), merge(100, 100)], NOW).steps
    assert second.forecast.known
    assert second.forecast.earliest >= first.forecast.earliest
    assert second.forecast.expected >= first.forecast.expected
    assert second.forecast.latest >= first.forecast.latest


def test_what_is_not_known_of_a_parent_is_not_known_of_what_follows() -> None:
    stalled = StepCourse(
        "sim", seen(tasks={"Done": 50}), past(10, 200)[:6], wanted=200
    )  # since 5 hours
    made = run_progress([stalled, merge()], NOW)
    assert made.steps[1].forecast.why == "sim: nothing was done for 5 h"
    assert made.forecast.why == "sim: nothing was done for 5 h"
    assert not made.forecast.known


def test_a_step_that_has_not_begun_makes_the_end_unknown() -> None:
    made = run_progress([sim(), StepCourse("merge", None, parents=("sim",))], NOW)
    assert made.forecast.why == "merge: it has not begun"
    assert made.forecast.earliest == made.steps[0].forecast.earliest
    assert made.steps[1].fraction == 0.0


def test_a_run_that_is_over_is_done_now() -> None:
    made = run_progress([sim("Completed", 190), StepCourse("x", seen("Archived"))], NOW)
    assert (made.fraction, made.forecast) == (1.0, Forecast(None, NOW, NOW, NOW))
    assert run_progress([], NOW).fraction == 0.0


def test_when_it_is_done_is_written_in_words() -> None:
    made = Forecast(1.0, NOW + 3 * HOUR, NOW + 2 * HOUR, NOW + 5 * HOUR)
    assert forecast_words(made, NOW) == "in 3 h (2 h to 5 h)"
    assert forecast_words(Forecast(why="no counts yet"), NOW) == "not known: no counts yet"
    bounded = Forecast(earliest=NOW + 4 * HOUR, why="more files still come")
    assert forecast_words(bounded, NOW) == "not before 4 h: more files still come"
    assert forecast_words(Forecast(None, NOW, NOW, NOW), NOW) == "done"


def _at(first: list[Point], second: list[Point], now: float) -> RunProgress:
    steps = []
    for name, points in (("sim", first), ("merge", second)):
        known = [one for one in points if one.at <= now] or points[:1]
        last = known[-1]
        done, total = int(last.done), int(last.total)
        status = "Completed" if name == "sim" and done == total else "Active"
        if name == "sim":
            steps.append(
                StepCourse(name, seen(status, tasks={"Done": done}), tuple(known), wanted=total)
            )
        else:
            files = {"Processed": done, "Unused": total - done}
            steps.append(StepCourse(name, seen(files=files), tuple(known), ("sim",)))
    return run_progress(steps, now)


def test_the_interval_holds_the_end_of_a_run_of_two_steps() -> None:
    held, asked = [], 0
    for seed in range(12):
        first, second, end = simulated_chain(seed)
        for number in range(1, len(second), max(1, len(second) // 25)):
            now = second[number].at
            if now >= end:
                break
            asked += 1
            made = _at(first, second, now).forecast
            if made.known:
                assert made.earliest is not None
                assert made.latest is not None
                held.append(made.earliest <= end <= made.latest)
    print(f"{sum(held) / len(held):.0%} of {len(held)}, of {asked} asked")
    assert len(held) > 0.6 * asked
    assert sum(held) >= 0.7 * len(held)
