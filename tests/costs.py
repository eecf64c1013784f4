"""Prints which groups of tests took how long, and how much CPU they and their processes used."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

#: groups that are printed, the dearest first
PRINTED = 40


class Costs:
    """Measures the groups of tests that follow each other in one process of pytest.

    A group costs the seconds of CPU of this process and of all below it, ended ones included, from
    its first test to its end: a grid that several groups share is started by the first and runs on
    the bill of whoever runs.

    :param group: gives the name of the group of a test by its node identifier.
    """

    def __init__(self, group: Callable[[str], str]) -> None:
        self._group = group
        #: the group that runs, and the seconds of CPU and by the clock at its beginning
        self._now = ""
        self._begun = (0.0, 0.0)
        #: seconds of CPU, seconds by the clock and tests by group
        self._costs: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Iterator[None]:
        """Measure where one group ends and another begins."""
        group = self._group(item.nodeid)
        if group != self._now:
            self._now, self._begun = group, _used()
        try:
            return (yield)
        finally:
            self._costs[group][2] += 1
            if nextitem is None or self._group(nextitem.nodeid) != group:
                for at, (after, before) in enumerate(zip(_used(), self._begun, strict=True)):
                    self._costs[group][at] += after - before
                self._now = ""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand the costs of a worker to the process that prints them."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["costs"] = dict(self._costs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take the costs of a worker."""
        for group, costs in getattr(node, "workeroutput", {}).get("costs", {}).items():
            for at, cost in enumerate(costs):
                self._costs[group][at] += cost

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the dearest groups."""
        dearest = sorted(self._costs.items(), key=lambda one: -one[1][0])
        if sum(costs[1] for costs in self._costs.values()) < 60:
            return  # a person who runs a few tests does not ask
        terminalreporter.section("what the tests cost")
        terminalreporter.write_line(f"{'CPU s':>7}{'clock s':>9}{'tests':>7}")
        for group, (cpu, clock, tests) in dearest[:PRINTED]:
            terminalreporter.write_line(f"{cpu:7.0f}{clock:9.0f}{tests:7.0f}  {group}")
        rest = [sum(one[at] for _, one in dearest[PRINTED:]) for at in range(3)]
        cpu, clock, tests = rest
        terminalreporter.write_line(f"{cpu:7.0f}{clock:9.0f}{tests:7.0f}  all others")


def _used() -> tuple[float, float]:
    """Return the seconds of CPU of this process and those below it, and what the clock shows."""
    used = 0.0
    own = psutil.Process(os.getpid())
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            used += sum(process.cpu_times()[:4])
    return used, time.monotonic()
