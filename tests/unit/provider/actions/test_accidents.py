"""People's actions when something goes wrong: killed, overtaken, failing in part, in an outage."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.unit.provider.actions.action_runs import MAKE, MERGE, OWN, REAL, RISKY, row, words


def test_what_has_changed_since_the_preview_is_not_touched(grid: MemoryGrid, ops: Any) -> None:
    digest = ops("stop").preview()["digest"]
    row(grid, MERGE)["Status"] = "Completed"
    with pytest.raises(AirflowFailException, match="has changed"):
        ops("stop", digest=digest, **REAL).preview()
    row(grid, MERGE)["Status"] = "Active"
    assert words(ops("stop", digest=digest, **REAL).carry_out()) == {
        MAKE: "done",
        MERGE: "done",
    }


#: ``reopen`` has accidents of its own (``test_reopening.py``)
_OTHERS = ("start", "resume", "delete", "reopen")


@pytest.mark.parametrize("action", [a for a in ACTIONS if a not in _OTHERS])
@pytest.mark.parametrize("kind", ["crash", "crash_after", "lost"])
def test_killed_at_any_call_and_tried_again_comes_to_the_same_end(
    grid: MemoryGrid, ops: Any, action: str, kind: Any
) -> None:
    run = ops(action, **{**OWN.get(action, {}), **RISKY})
    run.preview()
    start = copy.deepcopy(grid.transformations)
    run.act()
    wanted = end(grid)
    calls = 0
    while True:
        grid.transformations, grid.faults = copy.deepcopy(start), []
        run.context["task_state_store"].clear()
        fault = grid.fault(kind, after=calls)
        for _ in range(3):
            try:
                run.act()
                break
            except (Crash, TaskDeferred):
                continue
        assert end(grid) == wanted, f"{kind} at call {calls}"
        if fault.times:
            break  # it was never reached: every call had its turn
        calls += 1
    assert calls > 3


def end(grid: MemoryGrid) -> Any:
    return {
        number: (t.row, t.parameters, len(t.tasks)) for number, t in grid.transformations.items()
    }


def test_what_is_done_stays_done_when_another_fails(grid: MemoryGrid, ops: Any) -> None:
    run = ops("stop", **REAL)
    run.preview()
    merge = grid.transformations.pop(MERGE)
    with pytest.raises(AirflowFailException, match="1 done, 0 left, 0 refused, 1 failed"):
        run.act()
    grid.transformations[MERGE] = merge
    row(grid, MAKE)["Status"] = "Active"  # somebody resumed it: it is not stopped again
    assert words(run.act()) == {MAKE: "done", MERGE: "done"}
    assert [row(grid, n)["Status"] for n in (MAKE, MERGE)] == ["Active", "Stopped"]


@pytest.mark.parametrize(("action", "after"), [("stop", 1), ("flush", 1), ("complete", 1)])
def test_what_a_killed_attempt_did_is_not_done_again_after_a_person_undid_it(
    grid: MemoryGrid, ops: Any, action: str, after: int
) -> None:
    run = ops(action, steps=["merge"], **RISKY)
    run.preview()
    grid.fault("crash_after", "setTransformationParameter", after=after)
    with pytest.raises(Crash):
        run.act()
    assert row(grid, MERGE)["Status"] != "Active"
    row(grid, MERGE)["Status"] = "Active"  # by a person, or by the agent at the end of a flush
    assert words(run.act()) == {MERGE: "done"}
    assert row(grid, MERGE)["Status"] == "Active"


@pytest.mark.parametrize("action", ["stop", "start", "resume", "clean"])
def test_what_somebody_ended_meanwhile_is_not_reported_as_done(
    grid: MemoryGrid, ops: Any, action: str
) -> None:
    was = {"start": "New", "resume": "Stopped"}.get(action, "Active")
    row(grid, MERGE)["Status"] = was
    run = ops(action, steps=["merge"], **{**OWN.get(action, {}), **RISKY})
    run.preview()
    row(grid, MERGE)["Status"] = "Archived"
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert "it is Archived by now" in run.ti.pushed["table"]
    row(grid, MERGE)["Status"] = was
    assert words(run.act()) == {MERGE: "done"}
    assert row(grid, MERGE)["Status"] != was


def test_an_outage_defers_and_costs_nothing(grid: MemoryGrid, ops: Any) -> None:
    run = ops("stop", **REAL)
    run.preview()
    grid.down = True
    with pytest.raises(TaskDeferred):
        run.act()
    grid.down = False
    assert words(run.act()) == {MAKE: "done", MERGE: "done"}
