"""Time without waiting: one clock for the grid, the workers and the triggerer.

Invariant: nothing sleeps. When everybody waits, the clock jumps to the next moment at which
somebody wakes up, and what the world has planned until then happens in its order.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import selectors
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import tenacity

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.waiting import poller

#: seconds since the epoch at which every walk begins
BEGIN = 1_700_000_000.0


class Clock:
    """Stands in for the module :mod:`time`, and moves the grid.

    :param grid: advanced together with the clock.
    """

    def __init__(self, grid: MemoryGrid) -> None:
        self.grid = grid
        self.elapsed = 0.0
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return BEGIN + self.elapsed

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def perf_counter(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody."""
        end = self.elapsed + seconds
        while self._planned and self._planned[0][0] <= end:
            moment, _, act = heapq.heappop(self._planned)
            self._to(max(moment, self.elapsed))
            act()
        self._to(end)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Plan something that happens whatever the others are doing."""
        heapq.heappush(self._planned, (self.elapsed + seconds, next(self._numbers), act))

    def _to(self, moment: float) -> None:
        if moment > self.elapsed:
            self.elapsed = moment
            self.grid.advance(moment - self.grid.now)


class _Selector(selectors.SelectSelector):
    """Nothing ever comes from outside; instead of waiting for it, the clock moves."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everybody waits and nobody will ever wake up")
        if timeout > 0:
            self._clock.sleep(timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop on the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    def time(self) -> float:
        return self._clock.elapsed


@contextmanager
def no_waiting(clock: Clock, caller: type[Any]) -> Iterator[None]:
    """All of our code, and what it uses to try again, goes by the clock.

    :param caller: in place of the thread in which the poller calls the grid.
    """
    ours = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("dirac_prodsys.") and getattr(module, "time", None) is time
    ]
    with mock.patch.object(poller, "BlockingCalls", caller):
        before = tenacity.time, tenacity.nap.time
        for module in ours:
            module.time = clock  # type: ignore[attr-defined]
        tenacity.time = tenacity.nap.time = clock
        try:
            yield
        finally:
            tenacity.time, tenacity.nap.time = before
            for module in ours:
                module.time = time  # type: ignore[attr-defined]
