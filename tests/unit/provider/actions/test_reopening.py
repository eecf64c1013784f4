"""The action that begins a later generation: what it asks of Airflow, whatever dies meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.generations import keep_taken
from tests.unit.provider.actions.action_runs import MAKE, MERGE, REAL, words
from tests.unit.provider.asked_airflow import AskedAirflow

SECOND = {"quality": 7, "reopens": {"run": "r1", "steps": ["merge"]}}


@pytest.fixture
def came(grid: MemoryGrid, gateway: MemoryGateway, airflow: AskedAirflow, ops: Any) -> Any:
    """Both steps are complete, and two files came for the second one since."""
    for number in (MAKE, MERGE):
        keep_taken(gateway, number, "r1", {"quality": 7})
        gateway.complete_transformation(number)
    for name in ("late_1.dat", "late_2.dat"):
        grid.catalogue.register(f"/sim/two/r1/make/{name}")
    return lambda **more: ops("reopen", **{**REAL, **more})


def test_a_run_is_begun_with_the_values_of_the_first(came: Any, airflow: AskedAirflow) -> None:
    assert words(came().carry_out()) == {MAKE: "left", MERGE: "done"}
    assert airflow.runs == {"r1.g2": SECOND}


@pytest.mark.parametrize("kind", ["crash", "crash_after", "lost"])
def test_killed_at_any_call_and_tried_again_it_is_one_run(
    grid: MemoryGrid, came: Any, airflow: AskedAirflow, kind: Any
) -> None:
    run = came()
    run.preview()
    calls = 0
    while True:
        airflow.runs.clear()
        grid.faults = []
        run.context["task_state_store"].clear()
        fault = grid.fault(kind, after=calls)
        for _ in range(3):
            try:
                assert words(run.act()) == {MAKE: "left", MERGE: "done"}
                break
            except (Crash, TaskDeferred):
                continue
        assert airflow.runs == {"r1.g2": SECOND}, f"{kind} at call {calls}"
        if fault.times:
            break  # it was never reached: every call had its turn
        calls += 1
    assert calls > 3


def test_a_run_that_was_begun_before_is_not_begun_again(came: Any, airflow: AskedAirflow) -> None:
    first, second = came(), came()
    first.preview()
    second.preview()
    first.act()
    outcome = second.act()
    assert words(outcome) == {MAKE: "left", MERGE: "done"}
    assert "was begun before" in next(r["why"] for r in outcome["results"] if r["id"] == MERGE)
    assert airflow.runs == {"r1.g2": SECOND}


def test_airflow_that_does_not_answer_costs_a_retry(came: Any, airflow: AskedAirflow) -> None:
    run = came()
    run.preview()
    airflow.refuses = True
    with pytest.raises(AirflowException, match="cannot be begun"):
        run.act()
    airflow.refuses = False
    assert words(run.act()) == {MAKE: "left", MERGE: "done"}
    assert airflow.runs == {"r1.g2": SECOND}


def test_what_began_again_after_the_preview_is_not_reopened(
    grid: MemoryGrid, came: Any, airflow: AskedAirflow
) -> None:
    run = came()
    run.preview()
    grid.transformations[MERGE].row["Status"] = "Active"
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert airflow.runs == {}
