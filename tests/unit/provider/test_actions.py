"""People's actions under the real operators: nothing before it is told, each once, all reported."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.plan import compile
from dirac_prodsys.core.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory_faults import Crash
from dirac_prodsys.gateway.memory_grid import MemoryGrid
from dirac_prodsys.provider import stopping
from dirac_prodsys.provider.actions import (
    NOTE,
    ProductionActionOperator,
    ProductionPreviewOperator,
)
from dirac_prodsys.provider.actions_dag import actions_dag
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator

MAKE, MERGE = 1, 2


class TaskInstance:
    """XComs of one run."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}
        self.preview: Any = None

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def xcom_pull(self, task_ids: str) -> Any:
        assert task_ids == "preview"
        return self.preview


class ActionRun:
    """One run of ``production_operations``: what a user gave, and its two tasks."""

    def __init__(self, context: dict[str, Any], **params: Any) -> None:
        known = actions_dag().params
        assert set(params) <= set(known)
        defaults = {k: known[k] for k in known if k not in ("action", "production")}
        self.ti = TaskInstance()
        self.context = {
            **context,
            "task_state_store": type(context["task_state_store"])(),
            "params": {**defaults, "production": "two", **params},
            "dag_run": SimpleNamespace(run_id="ops-1", triggering_user_name="shifter"),
            "ti": self.ti,
        }

    def preview(self) -> Any:
        made = ProductionPreviewOperator(task_id="preview", outage_patience=0.0)
        self.ti.preview = json.loads(json.dumps(made.execute(self.context)))
        return self.ti.preview

    def act(self) -> Any:
        return ProductionActionOperator(task_id="act", outage_patience=0.0).execute(self.context)

    def whole(self) -> Any:
        self.preview()
        return self.act()


@pytest.fixture
def running(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, context: dict[str, Any]
) -> Production:
    """Both steps Active: six files made, four of them given to a task, two left over."""
    for step in ("make", "merge"):
        task = DiracCreateTransformationOperator(task_id="t", production=production, step=step)
        task.work(context, {})
    for step in compile(production, run="r1").steps:
        spec = step.transformation
        gateway.prepare_directories(spec.directories)
        number = gateway.find_transformation(spec.name).id
        if spec.tasks:
            gateway.ensure_tasks(number, spec.tasks)
        gateway.start_transformation(number)
    grid.advance(100)
    return production


def row(grid: MemoryGrid, number: int) -> dict[str, Any]:
    return grid.transformations[number].row


def words(outcome: Any) -> dict[int, str]:
    return {result["id"]: result["word"] for result in outcome["results"]}


@pytest.fixture
def ops(context: dict[str, Any], running: Production) -> Any:
    def make(action: str, **params: Any) -> ActionRun:
        return ActionRun(context, action=action, **params)

    return make


REAL = {"preview": False}
RISKY = {**REAL, "reason": "made for a test"}
OWN: dict[str, dict[str, Any]] = {
    "extend": {"tasks": 2},
    "set_group_size": {"group_size": 3},
    "clean": {"run": "r1", "confirm": "two"},
    "delete": {"run": "r1", "confirm": "two"},
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_preview_touches_nothing(grid: MemoryGrid, ops: Any, action: str) -> None:
    before = copy.deepcopy([(t.row, t.parameters, t.files) for t in grid.transformations.values()])
    log = list(grid.log)
    run = ops(action, **OWN.get(action, {}))
    told = run.preview()
    with pytest.raises(AirflowSkipException):
        run.act()
    after = [(t.row, t.parameters, t.files) for t in grid.transformations.values()]
    assert after == before
    assert grid.log == log
    assert told["by"] == "shifter"
    assert {row["id"] for row in told["rows"]} == {MAKE, MERGE}
    assert run.ti.pushed["table"].startswith(f"{action}, production two")


def test_stop_and_resume(grid: MemoryGrid, ops: Any) -> None:
    outcome = ops("stop", reason="storage is down", **REAL).whole()
    assert words(outcome) == {MAKE: "done", MERGE: "done"}
    assert [row(grid, n)["Status"] for n in (MAKE, MERGE)] == ["Stopped", "Stopped"]
    note = grid.transformations[MAKE].parameters[NOTE]
    assert note == "stop by shifter: storage is down (ops-1)"
    assert words(ops("stop", **REAL).whole()) == {MAKE: "done", MERGE: "done"}
    assert words(ops("resume", steps=["merge"], **REAL).whole()) == {MERGE: "done"}
    assert [row(grid, n)["Status"] for n in (MAKE, MERGE)] == ["Stopped", "Active"]


def test_what_a_run_s_end_had_stopped_can_be_stopped_by_a_person(
    grid: MemoryGrid, gateway: MemoryGateway, ops: Any
) -> None:
    stopping.stop(gateway, MAKE, "the run failed")
    assert stopping.stopped_by_us(gateway, MAKE)
    assert words(ops("stop", steps=["make"], **REAL).whole()) == {MAKE: "done"}
    assert not stopping.resume(gateway, MAKE)
    assert row(grid, MAKE)["Status"] == "Stopped"
    assert words(ops("resume", steps=["make"], **REAL).whole()) == {MAKE: "done"}
    assert row(grid, MAKE)["Status"] == "Active"


def test_flush(grid: MemoryGrid, ops: Any) -> None:
    run = ops("flush", **REAL)
    (make, merge) = run.preview()["rows"]
    assert (make["answer"], merge["answer"]) == ("leave", "act")
    assert (merge["files"], merge["bytes"]) == (2, 2_000_000)
    assert words(run.act()) == {MAKE: "left", MERGE: "done"}
    assert row(grid, MERGE)["Status"] == "Flush"
    grid.advance(100)
    assert set(map(str, (f.status for f in grid.transformations[MERGE].files.values()))) == {
        "Processed"
    }


def test_flush_of_what_somebody_stopped_meanwhile_is_told(grid: MemoryGrid, ops: Any) -> None:
    run = ops("flush", **REAL)
    run.preview()
    row(grid, MERGE)["Status"] = "Stopped"
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert words(run.ti.pushed["outcome"]) == {MAKE: "left", MERGE: "failed"}
    assert "it is Stopped by now" in run.ti.pushed["table"]


def test_complete(grid: MemoryGrid, ops: Any) -> None:
    with pytest.raises(AirflowFailException, match="needs a reason"):
        ops("complete", **REAL).preview()
    assert row(grid, MERGE)["Status"] == "Active"
    assert words(ops("complete", steps=["merge"], **RISKY).whole()) == {MERGE: "done"}
    assert row(grid, MERGE)["Status"] == "Completed"


def test_extend_adds_what_was_told_and_no_more(grid: MemoryGrid, ops: Any) -> None:
    run = ops("extend", tasks=3, **REAL)
    assert [r["total"] for r in run.preview()["rows"]] == [9, None]
    assert words(run.act()) == {MAKE: "done", MERGE: "left"}
    assert len(grid.transformations[MAKE].tasks) == 9
    run.act()
    assert len(grid.transformations[MAKE].tasks) == 9


def test_a_group_size_that_a_person_set_survives_a_cleared_create(
    grid: MemoryGrid, ops: Any, production: Production, context: dict[str, Any]
) -> None:
    assert words(ops("set_group_size", group_size=2, **REAL).whole()) == {
        MAKE: "left",
        MERGE: "done",
    }
    task = DiracCreateTransformationOperator(task_id="t", production=production, step="merge")
    assert task.work(context, {})["adopted"] is True
    assert row(grid, MERGE)["GroupSize"] == 2


def test_clean_and_delete_in_this_order(grid: MemoryGrid, ops: Any) -> None:
    named = {"run": "r1", "confirm": "two", **RISKY}
    with pytest.raises(AirflowFailException, match="2 refused"):
        ops("delete", **named).whole()
    assert words(ops("clean", **named).whole()) == {MAKE: "done", MERGE: "done"}
    assert row(grid, MAKE)["Status"] == "Cleaning"
    grid.advance(20)
    assert words(ops("delete", **named).whole()) == {MAKE: "done", MERGE: "done"}
    assert grid.transformations == {}


@pytest.mark.parametrize("action", ["clean", "delete"])
@pytest.mark.parametrize("typed", ["", "tow", "*"])
def test_a_wrong_confirmation_reaches_no_grid(
    grid: MemoryGrid, ops: Any, action: str, typed: str
) -> None:
    grid.down = True
    with pytest.raises(AirflowFailException, match="is not confirmed"):
        ops(action, run="r1", confirm=typed, **RISKY).preview()


def test_a_form_that_is_got_around_is_checked_again(ops: Any) -> None:
    for given in ({"production": "{{ ds }}"}, {"steps": ["a b"]}, {"preview": "false"}):
        with pytest.raises(AirflowFailException):
            ops("stop", **given).preview()


def test_what_is_not_ours_is_not_touched_but_by_name_and_force(
    grid: MemoryGrid, gateway: MemoryGateway, ops: Any
) -> None:
    spec = compile(_other(), run="r1").steps[0].transformation
    other = gateway.create_transformation(
        spec.model_copy(update={"name": "by_hand", "group": "General"})
    )
    gateway.start_transformation(other.id)
    assert other.id not in words(ops("stop", production="*", **REAL).whole())
    with pytest.raises(AirflowFailException, match="no transformation of ours"):
        ops("stop", production="by_hand", **REAL).preview()
    with pytest.raises(AirflowFailException, match="force is an exception"):
        ops("stop", production="by_hand", force=True, **REAL).preview()
    forced = ops("stop", production="by_hand", force=True, **RISKY).whole()
    assert words(forced) == {other.id: "done"}


def _other() -> Production:
    from tests.unit.provider.conftest import TWO_STEPS, load_production

    return load_production(TWO_STEPS.replace("two", "other"), "other.yaml")


def test_what_has_changed_since_the_preview_is_not_touched(grid: MemoryGrid, ops: Any) -> None:
    digest = ops("stop").preview()["digest"]
    row(grid, MERGE)["Status"] = "Completed"
    with pytest.raises(AirflowFailException, match="has changed"):
        ops("stop", digest=digest, **REAL).preview()
    row(grid, MERGE)["Status"] = "Active"
    assert words(ops("stop", digest=digest, **REAL).whole()) == {MAKE: "done", MERGE: "done"}


@pytest.mark.parametrize("action", [a for a in ACTIONS if a not in ("start", "resume", "delete")])
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


def test_an_outage_defers_and_costs_nothing(grid: MemoryGrid, ops: Any) -> None:
    run = ops("stop", **REAL)
    run.preview()
    grid.down = True
    with pytest.raises(TaskDeferred):
        run.act()
    grid.down = False
    assert words(run.act()) == {MAKE: "done", MERGE: "done"}


def test_the_dag_is_the_same_whenever_it_is_built_and_renders_nothing() -> None:
    one, other = actions_dag(), actions_dag()
    assert one.params == other.params
    assert one.params["preview"] is True
    assert [(t.task_id, tuple(t.template_fields)) for t in one.tasks] == [
        ("preview", ()),
        ("act", ()),
    ]


def test_clean_tells_the_outputs_that_go_and_those_that_stay(grid: MemoryGrid, ops: Any) -> None:
    make, _ = ops("clean", run="r1").preview()["rows"]
    assert (make["files"], make["bytes"], make["why"]) == (6, 6_000_000, "→ Cleaning")
    for file in grid.catalogue.files.values():
        file.metadata.pop("TransformationID", None)
    make, _ = ops("clean", run="r1").preview()["rows"]
    assert make["why"].endswith("6 output files carry no ID of it, and stay")
