"""Stopping and resuming, killed at every call and begun anew: exactly one stop, and it is ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.gateway import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.stops import resume, stop
from tests.unit.gateway.memory.small_chain import simulation, started

WHY = "run r1 did not complete"


@pytest.fixture
def number(gateway: MemoryGateway) -> int:
    """A transformation at work."""
    return started(gateway, simulation())


def killed_everywhere(grid: MemoryGrid, kind: str, act: Callable[[], object]) -> int:
    """``act``, killed at its first call, begun anew and killed at its second, and so on."""
    for call in range(100):
        fault = grid.fault(kind, after=call)  # type: ignore[arg-type]
        try:
            act()
        except Crash:
            continue
        fault.times = 0
        return call
    raise AssertionError("it never ends")


@pytest.mark.parametrize("kind", ["crash", "crash_after"])
def test_killed_at_every_call_it_is_stopped_once_and_known_as_ours(
    grid: MemoryGrid, gateway: MemoryGateway, number: int, kind: str
) -> None:
    killed_everywhere(grid, kind, lambda: stop(gateway, number, WHY))
    assert grid.transformations[number].status == "Stopped"
    assert gateway.status_changes(number) == ("Active", "Stopped")
    assert killed_everywhere(grid, kind, lambda: resume(gateway, number)) > 0
    assert grid.transformations[number].status == "Active"
    assert gateway.status_changes(number) == ("Active", "Stopped", "Active")


def test_a_flush_that_ends_in_between_leaves_the_stop_ours(
    grid: MemoryGrid, gateway: MemoryGateway, number: int
) -> None:
    gateway.flush_transformation(number)
    written = gateway.write_note

    def agent_comes_between(transformation: int, name: str, text: str) -> None:
        written(transformation, name, text)
        if grid.transformations[number].status == "Flush":
            grid.serve_setTransformationParameter(number, "Status", "Active")

    gateway.write_note = agent_comes_between  # type: ignore[method-assign]
    assert stop(gateway, number, WHY)
    assert gateway.status_changes(number) == ("Active", "Flush", "Active", "Stopped")
    assert resume(gateway, number)


def test_who_comes_between_and_stops_it_too_keeps_it_stopped(
    grid: MemoryGrid, gateway: MemoryGateway, number: int
) -> None:
    written = gateway.write_note

    def person_comes_between(transformation: int, name: str, text: str) -> None:
        written(transformation, name, text)
        for status in ("Stopped", "Active", "Stopped", "Active"):
            grid.serve_setTransformationParameter(number, "Status", status)

    gateway.write_note = person_comes_between  # type: ignore[method-assign]
    stop(gateway, number, WHY)
    assert not resume(gateway, number)
    assert grid.transformations[number].status == "Stopped"


@pytest.mark.parametrize("call", range(6))
def test_two_of_ours_at_once_leave_one_stop_that_is_ours(
    gateway: MemoryGateway, number: int, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run marked failed is stopped by its end and by its killed waits, all at once."""
    left = [call]

    def hurried(name: str) -> None:
        method = getattr(gateway, name)

        def between(*given: object) -> object:
            left[0] -= 1
            if left[0] == -1:
                stop(gateway, number, "its waiting task was marked failed")
            return method(*given)

        monkeypatch.setattr(gateway, name, between)

    for name in ("snapshot", "status_changes", "write_note", "stop_transformation"):
        hurried(name)
    stop(gateway, number, WHY)
    if left[0] > -1:
        stop(gateway, number, "its waiting task was marked failed")
    assert gateway.status_changes(number) == ("Active", "Stopped")
    assert resume(gateway, number)
