"""Finds how close together the times of cron expressions come: what a site may bound.

Days count as on a calendar without changes of the clock: a time zone moves a time by an hour twice
a year, and that is no closer interval that an author asks for.

Invariant: for expressions that :func:`.cron.check_cron` takes, the least distance over four years.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from dirac_prodsys.core.production.cron import FIELDS, CronField, split_part

#: what the words stand for (``airflow.timetables._cron.cron_presets``)
_WRITTEN_OUT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
#: four years, with a leap year among them
_FIRST, _DAYS = date(2024, 1, 1), 4 * 365 + 1
_MINUTES_OF_A_DAY = 24 * 60


def closest(expressions: Iterable[str]) -> int | None:
    """Return the minutes between the two closest times of all expressions together.

    None: there are no two in four years.
    """
    least: int | None = None
    before: int | None = None
    for now in _times([_Cron(each) for each in expressions]):
        if before is not None:
            least = now - before if least is None else min(least, now - before)
            if least == 1:
                break
        before = now
    return least


class _Cron:
    """An expression as sets of numbers."""

    def __init__(self, expression: str) -> None:
        written = _WRITTEN_OUT.get(expression, expression).split()
        minutes, hours, days, months, weekdays = (
            _numbers(field, text) for field, text in zip(FIELDS, written, strict=True)
        )
        self.times = sorted(60 * hour + minute for hour in hours for minute in minutes)
        self.days, self.months = days, months
        self.weekdays = {day % 7 for day in weekdays}  # 0 and 7 are Sunday
        #: with both restricted, a day matches by either
        self.either = not written[2].startswith("*") and not written[4].startswith("*")

    def on(self, day: date) -> bool:
        """Whether it has times on this day."""
        if day.month not in self.months:
            return False
        by_number, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_number or by_weekday if self.either else by_number and by_weekday


def _times(crons: list[_Cron]) -> Iterator[int]:
    """Yield all times, each once, as minutes since the first day."""
    for number in range(_DAYS):
        day = _FIRST + timedelta(days=number)
        times = {time for cron in crons if cron.on(day) for time in cron.times}
        for time in sorted(times):
            yield number * _MINUTES_OF_A_DAY + time


def _numbers(field: CronField, text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        extent, step = split_part(part)
        first, _, last = extent.partition("-")
        low = field.low if extent == "*" else field.number(first)
        high = field.number(last) if last else low
        if extent == "*" or (step and not last):
            high = field.high
        assert low is not None and high is not None  # noqa: S101, PT018  it was checked
        found.update(range(low, high + 1, step or 1))
    return found
