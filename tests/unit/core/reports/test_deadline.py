"""A run is late when the earliest end of one of its steps lies behind the deadline."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.production.notify import due_at
from dirac_prodsys.core.reports.course import Point
from dirac_prodsys.core.reports.deadline import followed, lateness
from dirac_prodsys.errors import DefinitionErrors

HOUR = 3600.0
TEXT = """\
version: 1
production: {name: p, vo: sim, notify: {deadline: VALUE}}
steps:
  make: {type: MCSimulation, tasks: 10, job: {type: script, executable: x}}
"""


def course(hours: int, of: int = 100) -> list[Point]:
    """One thing is done an hour."""
    return [Point(hour * HOUR, hour, of) for hour in range(hours + 1)]


def test_it_is_late_when_even_the_earliest_end_lies_behind_the_deadline() -> None:
    points, now = course(20), 20 * HOUR
    words = lateness(points, now, now + 10 * HOUR, final=True)
    assert words.startswith("its deadline is 02 Jan 06:00 UTC, and it is done in 3 days (")
    assert lateness(points, now, now + 200 * HOUR, final=True) == ""


def test_what_may_be_in_time_is_not_late() -> None:
    points, now = course(20), 20 * HOUR
    # expected in 80 h: a little less may still be in time
    assert lateness(points, now, now + 75 * HOUR, final=True) == ""


def test_too_little_is_known_for_an_alarm_until_the_deadline_has_passed() -> None:
    assert lateness(course(1), HOUR, 2 * HOUR, final=True) == ""
    assert lateness(course(1), HOUR, 0.5 * HOUR, final=True) == (
        "its deadline was 00:30 UTC, and 1 of 100 are done"
    )
    assert lateness([], HOUR, 2 * HOUR, final=False) == ""


def test_more_files_that_come_only_make_it_later() -> None:
    growing = [Point(hour * HOUR, hour, 50 + 3 * hour) for hour in range(21)]
    assert lateness(growing, 20 * HOUR, 30 * HOUR, final=False) != ""


def test_the_points_are_those_of_the_counts_and_not_too_many() -> None:
    points: tuple[Point, ...] = ()
    for minute in range(5000):
        tasks = {"Done": minute}
        seen = Snapshot(1, "n", "MCSimulation", TransformationStatus("Active"), tasks=tasks)
        points = followed(points, seen, 9000, 60.0 * minute)
    assert len(points) <= 400
    assert points[-1] == Point(60.0 * 4999, 4999, 9000)
    assert points[0].at < 60.0 * 100


@pytest.mark.parametrize(
    ("written", "due"),
    [("72", 72 * HOUR + 5), ('"1970-01-02"', 24 * HOUR), ('"1970-01-01T02:00+01:00"', HOUR)],
)
def test_a_deadline_is_hours_after_the_beginning_or_a_moment(written: str, due: float) -> None:
    notify = load_production(TEXT.replace("VALUE", written), "f").notify
    assert notify is not None
    assert notify.deadline is not None
    assert due_at(notify.deadline, began=5.0) == due


@pytest.mark.parametrize("written", ["0", "-1", "soon", "[1]", "true"])
def test_what_is_no_deadline_is_reported_with_its_place(written: str) -> None:
    with pytest.raises(DefinitionErrors, match=r"f:2:\d+"):
        load_production(TEXT.replace("VALUE", written), "f")
