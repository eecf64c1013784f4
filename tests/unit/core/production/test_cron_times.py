"""How close together the times of cron expressions come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dirac_prodsys.core.production.cron_times import closest

DAY = 24 * 60


@pytest.mark.parametrize(
    ("expressions", "minutes"),
    [
        (["* * * * *"], 1),
        (["*/5 * * * *"], 5),
        (["5/20 * * * *"], 20),
        (["0 */7 * * *"], 3 * 60),  # 21:00, and 00:00 of the next day
        (["30 2 * * *"], DAY),
        (["30 2 * * Mon"], 7 * DAY),
        (["30 2 * * 0,7"], 7 * DAY),
        (["0 0 1 * *"], 28 * DAY),
        (["0 0 31 * *"], 31 * DAY),
        (["0 0 1 * Mon"], DAY),  # by either: a first that is a Sunday or a Tuesday
        (["0 0 */2 * *"], DAY),  # the 31st, then the first
        (["0 0 29 2 *"], None),
        (["@hourly"], 60),
        (["@weekly"], 7 * DAY),
        (["0 1 * * *", "10 1 * * *"], 10),
        (["0 1 * * *", "0 1 * * *"], DAY),
    ],
)
def test_the_least_distance(expressions: list[str], minutes: int | None) -> None:
    assert closest(expressions) == minutes


@pytest.mark.parametrize(
    "expression",
    ["13,40 6-9/3 * * *", "*/25 * * * *", "0 12 15 * Fri", "0 0 1 */3 *", "7 3 */10 * *"],
)
def test_airflows_own_reader_finds_none_closer(expression: str) -> None:
    from croniter import croniter

    times = croniter(expression, datetime(2024, 1, 1, tzinfo=UTC))
    last, least = times.get_next(datetime), timedelta(days=400)
    for _ in range(400):
        now = times.get_next(datetime)
        last, least = now, min(least, now - last)
    assert closest([expression]) == least / timedelta(minutes=1)
