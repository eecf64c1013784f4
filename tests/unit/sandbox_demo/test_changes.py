"""Agents look again when the grid's databases have changed, and seldom while they do not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sandbox.drivers import changes
from sandbox.drivers.changes import Changes

LEAST, MOST, SETTLED = 0.5, 3.0, 2.0


class Clock(threading.Event):
    """An event that is never set, and whose waits take no time but their own."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(changes, "time", clock)
    return clock


def waited(clock: Clock, rows: Callable[[], int | None], rounds: int) -> list[float]:
    """Seconds of each of so many waits, one after the other."""
    looked = Changes(rows, SETTLED)
    found = []
    for _ in range(rounds):
        begin = clock.now
        looked.wait(clock, LEAST, MOST)
        found.append(round(clock.now - begin, 3))
    return found


def test_while_nothing_changes_agents_look_seldom(clock: Clock) -> None:
    # the first number is news, and what came lately is looked at as ever
    assert waited(clock, lambda: 7, 6) == [LEAST, LEAST, LEAST, LEAST, MOST, MOST]


def test_a_change_ends_the_wait(clock: Clock) -> None:
    at = clock.now + 5 * LEAST + 1.0
    *_, last = waited(clock, lambda: 8 if clock.now >= at else 7, 5)
    assert LEAST < last < MOST


def test_a_change_during_the_round_is_seen_after_it(clock: Clock) -> None:
    looked, rows = Changes(lambda: rows[-1], 0.0), [7]
    looked.wait(clock, LEAST, MOST)
    rows.append(8)
    begin = clock.now
    looked.wait(clock, LEAST, MOST)
    assert clock.now - begin == LEAST


def test_when_the_database_is_away_agents_look_as_ever(clock: Clock) -> None:
    assert waited(clock, lambda: None, 5) == [LEAST] * 5
