"""A preview offers to be carried out: to whoever asked for it, as it was shown, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    TaskAwaitingInput,
    TaskDeferred,
)
from airflow.sdk.execution_time import hitl

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.actions.offer import CARRY_OUT, LEAVE
from dirac_prodsys.provider.actions.tasks import ProductionActionOperator
from tests.unit.provider.actions.action_runs import MAKE, MERGE, OWN, REAL, ActionRun, row, words


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The questions that Airflow gets."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: asked.update(question))
    return asked


def answer(option: str = CARRY_OUT, who: str | None = "shifter", **values: Any) -> dict[str, Any]:
    user = None if who is None else {"id": f"{who}-id", "name": who}
    return {"chosen_options": [option], "params_input": values, "responded_by_user": user}


class Offered:
    """A run whose preview waits for an answer."""

    def __init__(self, run: ActionRun) -> None:
        self.run = run
        run.context["dag_run"].conf = {"offer": True}
        self.preview = run.preview()
        with pytest.raises(TaskAwaitingInput) as parked:
            run.act()
        self.parked = parked.value

    def answer(self, event: dict[str, Any], patience: float = 0.0) -> Any:
        # another process goes on
        act = ProductionActionOperator(task_id="act", outage_patience=patience)
        method = getattr(act, self.parked.method_name)
        return method(self.run.context, event=event, **(self.parked.kwargs or {}))


def states(grid: MemoryGrid) -> list[str]:
    return [row(grid, number)["Status"] for number in (MAKE, MERGE)]


def test_yes_does_what_was_shown_and_nothing_is_touched_before(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any]
) -> None:
    waiting = Offered(ops("stop"))
    assert states(grid) == ["Active", "Active"]
    assert (asked["options"], asked["defaults"]) == ([CARRY_OUT, LEAVE], [LEAVE])
    assert asked["subject"] == "stop, production two, all runs, all steps?"
    assert "two__r1__merge" in asked["body"]
    assert "`shifter` asked for this preview" in asked["body"]
    assert words(waiting.answer(answer())) == {MAKE: "done", MERGE: "done"}
    assert states(grid) == ["Stopped", "Stopped"]


def test_a_run_that_was_not_asked_to_offer_ends_with_its_preview(
    ops: Any, asked: dict[str, Any]
) -> None:
    run = ops("stop")
    assert run.context["params"]["offer"] is True
    run.preview()
    with pytest.raises(AirflowSkipException, match="a preview touches nothing"):
        run.act()
    assert asked == {}


def test_where_nothing_would_be_done_nothing_is_offered(ops: Any, asked: dict[str, Any]) -> None:
    run = ops("start")
    run.context["dag_run"].conf = {"offer": True}
    run.preview()
    with pytest.raises(AirflowSkipException):
        run.act()
    assert asked == {}


def test_what_is_done_at_once_offers_nothing(ops: Any, asked: dict[str, Any]) -> None:
    run = ops("stop", **REAL)
    run.context["dag_run"].conf = {"offer": True}
    assert words(run.carry_out()) == {MAKE: "done", MERGE: "done"}
    assert asked == {}


@pytest.mark.parametrize("event", [answer(LEAVE), answer(LEAVE, None), {}])
def test_no_and_silence_touch_nothing(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any], event: dict[str, Any]
) -> None:
    with pytest.raises(AirflowSkipException, match="nothing was touched"):
        Offered(ops("stop")).answer(event)
    assert states(grid) == ["Active", "Active"]


@pytest.mark.parametrize("who", ["viewer", None])
def test_a_yes_of_somebody_else_touches_nothing(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any], who: str | None
) -> None:
    with pytest.raises(AirflowFailException, match="cannot carry out what shifter asked for"):
        Offered(ops("stop")).answer(answer(who=who))
    assert states(grid) == ["Active", "Active"]


def test_what_nobody_asked_for_is_not_offered(ops: Any, asked: dict[str, Any]) -> None:
    run = ops("stop")
    run.context["dag_run"].conf = {"offer": True}
    run.context["dag_run"].triggering_user_name = None
    run.preview()
    with pytest.raises(AirflowSkipException):
        run.act()
    assert asked == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "needs a reason"),
        ({"reason": "old"}, "'confirm' is ''"),
        ({"reason": "old", "confirm": "tow"}, "'confirm' is 'tow'"),
    ],
)
def test_what_cannot_be_undone_needs_its_reason_and_its_name_typed(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any], values: dict[str, str], reason: str
) -> None:
    waiting = Offered(ops("clean", run="r1"))
    assert set(asked["params"]) == {"reason", "confirm"}
    # a field that must be filled in would keep anybody from saying no
    assert all("null" in param["schema"]["type"] for param in asked["params"].values())
    assert "This cannot be undone" in asked["body"]
    with pytest.raises(AirflowFailException, match=reason):
        waiting.answer(answer(**values))
    assert states(grid) == ["Active", "Active"]


def test_with_both_it_is_done_and_says_who_and_why(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any]
) -> None:
    done = Offered(ops("clean", run="r1")).answer(answer(reason="old", confirm="two"))
    assert (done["by"], done["reason"]) == ("shifter", "old")
    assert states(grid) == ["Cleaning", "Cleaning"]


def test_the_answer_widens_nothing(grid: MemoryGrid, ops: Any, asked: dict[str, Any]) -> None:
    waiting = Offered(ops("stop", steps=["merge"]))
    event = answer(steps=[], action="clean", production="*", force=True)
    assert words(waiting.answer(event)) == {MERGE: "done"}
    assert states(grid) == ["Active", "Stopped"]


def test_what_has_changed_since_the_question_is_not_touched(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any]
) -> None:
    waiting = Offered(ops("stop"))
    row(grid, MERGE)["Status"] = "Completed"
    with pytest.raises(AirflowFailException, match="1 done, 0 left, 0 refused, 1 failed"):
        waiting.answer(answer())
    assert states(grid) == ["Stopped", "Completed"]


def test_a_preview_that_was_made_again_meanwhile_is_not_what_was_agreed_to(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any]
) -> None:
    waiting = Offered(ops("stop"))
    row(grid, MERGE)["Status"] = "Completed"
    waiting.run.preview()
    with pytest.raises(AirflowFailException, match="was asked for; nothing was touched"):
        waiting.answer(answer())
    assert states(grid) == ["Active", "Completed"]


def test_an_outage_after_the_answer_does_not_forget_it(
    grid: MemoryGrid, ops: Any, asked: dict[str, Any]
) -> None:
    waiting = Offered(ops("clean", run="r1"))
    grid.down = True
    with pytest.raises(TaskDeferred) as down:
        waiting.answer(answer(reason="old", confirm="two"))
    grid.down = False
    state = down.value.trigger.state  # type: ignore[attr-defined]
    act = ProductionActionOperator(task_id="act", outage_patience=0.0)
    event = {"kind": "reachable", "reason": "", "state": state}
    assert words(act.after_outage(waiting.run.context, event)) == {MAKE: "done", MERGE: "done"}


# nothing is deleted before it is cleaned, so that nothing is offered
@pytest.mark.parametrize("action", sorted(set(OWN) - {"delete"}))
def test_every_action_that_takes_a_value_keeps_it(
    ops: Any, asked: dict[str, Any], action: str
) -> None:
    given = {name: value for name, value in OWN[action].items() if name != "confirm"}
    waiting = Offered(ops(action, **given))
    done = waiting.answer(answer(reason="why", confirm="two"))
    assert "done" in words(done).values()
