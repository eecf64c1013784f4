"""Our own stops are distinguished from those of people, on every production system."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.procedures.stops import resume, stop, stopped_by_us
from tests.contract.systems import Gateway, by_hand, spec, status_of, unique


def running(gateway: Gateway) -> int:
    made = gateway.create_transformation(spec(unique()))
    gateway.start_transformation(made.id)
    return made.id


def test_what_we_stopped_we_resume_and_again(gateway: Gateway) -> None:
    number = running(gateway)
    for _ in range(2):
        assert stop(gateway, number, "the run did not complete")
        assert not stop(gateway, number, "the run did not complete")
        assert status_of(gateway, number) == "Stopped"
        assert stopped_by_us(gateway, number)
        assert resume(gateway, number)
        assert not resume(gateway, number)
        assert status_of(gateway, number) == "Active"


@pytest.mark.parametrize(
    "hands", [["Stopped"], ["Active", "Stopped"], ["Active", "Idle", "Stopped"]]
)
@pytest.mark.parametrize("after_ours", [False, True])
def test_what_a_person_stopped_stays_so(
    gateway: Gateway, hands: list[str], after_ours: bool
) -> None:
    number = running(gateway)
    if after_ours:
        stop(gateway, number, "the run did not complete")
    for each in hands:
        by_hand(gateway, number, "Status", each)
    assert not stop(gateway, number, "the run did not complete")
    assert not resume(gateway, number)
    assert status_of(gateway, number) == "Stopped"


@pytest.mark.parametrize("state", ["New", "Completing", "Completed", "Archived", "Cleaned"])
def test_what_does_not_run_is_not_stopped(gateway: Gateway, state: str) -> None:
    number = running(gateway)
    by_hand(gateway, number, "Status", state)
    before = gateway.status_changes(number)
    assert not stop(gateway, number, "the run did not complete")
    assert not resume(gateway, number)
    assert gateway.status_changes(number) == before
