"""DIRAC's log, and the note that goes with a stop, name who stopped a transformation."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.reports.state_line import Stop
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.stops import LAST_ACTION, stop, who_stopped
from dirac_prodsys.gateway.records import GatewaySettings
from tests.unit.gateway.memory.small_chain import simulation, started

NUMBER = 1


@pytest.fixture
def grid() -> MemoryGrid:
    grid = MemoryGrid()
    gateway = MemoryGateway(grid, GatewaySettings(backend="memory"))
    assert started(gateway, simulation()) == NUMBER
    grid.now, grid.author = 100.0, "bob"
    return grid


@pytest.fixture
def gateway(grid: MemoryGrid) -> MemoryGateway:
    return MemoryGateway(grid, GatewaySettings(backend="memory"))


def test_nobody_did(gateway: MemoryGateway) -> None:
    assert who_stopped(gateway, NUMBER) is None


def test_who_stops_it_in_dirac_is_known_and_gives_no_reason(gateway: MemoryGateway) -> None:
    gateway.stop_transformation(NUMBER)
    assert who_stopped(gateway, NUMBER) == Stop("bob", 100.0)


@pytest.mark.parametrize(
    ("note", "by", "reason"),
    [
        ("stop by alice: bad calibration (stop-1)", "alice", "bad calibration"),
        ("stop by alice (stop-1)", "alice", ""),
        ("stop by alice: a: b (see the log) (stop-1)", "alice", "a: b (see the log)"),
        ("stop by alice: two\nlines (stop-1)", "alice", "two\nlines"),
    ],
)
def test_an_action_says_who_asked_for_it_and_why(
    gateway: MemoryGateway, note: str, by: str, reason: str
) -> None:
    gateway.write_note(NUMBER, LAST_ACTION, note)
    gateway.stop_transformation(NUMBER)
    assert who_stopped(gateway, NUMBER) == Stop(by, 100.0, reason)


def test_an_action_of_before_says_nothing_of_a_later_stop(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    gateway.write_note(NUMBER, LAST_ACTION, "stop by alice: why (stop-1)")
    gateway.stop_transformation(NUMBER)
    gateway.resume_transformation(NUMBER)
    grid.now = 200.0
    gateway.stop_transformation(NUMBER)
    assert who_stopped(gateway, NUMBER) == Stop("bob", 200.0)


def test_a_stop_of_ours_says_which_run_did_not_complete(gateway: MemoryGateway) -> None:
    stop(gateway, NUMBER, "run r1 did not complete")
    assert who_stopped(gateway, NUMBER) == Stop("bob", 100.0, "run r1 did not complete")
