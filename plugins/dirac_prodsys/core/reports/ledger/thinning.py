"""Decides which counts over time are kept: dense while they move, then one an hour, one a day.

Two rules. When counts are observed, those that did not move are written once an hour, and after a
day of rest once a day. Later, old counts are thinned to one an hour and one a day, whether they
moved or not.

Invariant: the first and the last counts of a transformation, final ones, and each change of its
status are always kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dirac_prodsys.core.reports.ledger.records import CountsRecord

#: shortest time between two counts that move
DENSE = timedelta(minutes=2)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

#: age from which one an hour is kept, and one a day
HOURLY_AFTER, DAILY_AFTER = timedelta(days=7), timedelta(days=60)


def is_due(
    now: CountsRecord, written: CountsRecord | None, moved_at: datetime | None = None
) -> bool:
    """Whether counts are worth a record.

    :param written: the counts written last; None: none are known.
    :param moved_at: when they moved last; None: when the last ones were written.
    """
    if written is None or now.final or now.status != written.status:
        return True
    since = now.at - written.at
    if not now.same_as(written):
        return since >= DENSE
    rest = now.at - (moved_at or written.at)
    return since >= (DAY if rest > DAY else HOUR)


def thinned(
    series: Sequence[CountsRecord],
    now: datetime,
    *,
    hourly_after: timedelta = HOURLY_AFTER,
    daily_after: timedelta = DAILY_AFTER,
) -> list[CountsRecord]:
    """Return the counts of one transformation that are kept: the last of each hour, or day.

    :param series: counts of one transformation, the oldest first.
    """
    kept: list[CountsRecord] = []
    for number, each in enumerate(series):
        after = series[number + 1] if number + 1 < len(series) else None
        before = series[number - 1] if number else None
        always = after is None or before is None or each.final or each.status != before.status
        if (
            always
            or after is None
            or _span(each, now, hourly_after, daily_after)
            != _span(after, now, hourly_after, daily_after)
        ):
            kept.append(each)
    return kept


def _span(
    each: CountsRecord, now: datetime, hourly_after: timedelta, daily_after: timedelta
) -> tuple[int, ...]:
    """Return the span of time of which one record is kept; a recent one has a span of its own."""
    at, age = each.at, now - each.at
    if age >= daily_after:
        return (at.year, at.month, at.day)
    if age >= hourly_after:
        return (at.year, at.month, at.day, at.hour)
    return (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond)
