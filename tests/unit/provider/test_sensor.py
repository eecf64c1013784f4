"""The sensor: defers at once, and carries each verdict out."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.sensors import LONGEST_WAIT, DiracTransformationSensor
from dirac_prodsys.provider.triggers import DiracGatewayTrigger, DiracTransformationTrigger

Context = dict[str, Any]


@pytest.fixture
def started(grid: MemoryGrid, production: Production, context: Context) -> MemoryGrid:
    """Both steps at work, and two files left over in ``merge``."""
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            act(task_id="t", production=production, step=step).work(context, {})
    grid.advance(200)
    return grid


@pytest.fixture
def sensor(production: Production) -> DiracTransformationSensor:
    return DiracTransformationSensor(
        task_id="wait_for_completion", production=production, step="merge"
    )


def deferral(call: Any, *args: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        call(*args)
    return caught.value


def event(kind: str, **more: Any) -> dict[str, Any]:
    snapshot = {"id": 2, "name": "two__r1__merge", "type": "Merging", "status": "Active"}
    return {"kind": kind, "reason": "because", "snapshot": snapshot, **more}


def test_it_looks_up_the_id_and_defers_at_once(
    started: MemoryGrid, sensor: DiracTransformationSensor, context: Context
) -> None:
    trigger = deferral(sensor.work, context, {}).trigger
    assert isinstance(trigger, DiracTransformationTrigger)
    assert trigger.transformation == 2
    assert trigger.query == {"production": {"=": "two"}, "run": {"=": "r1"}, "step": {"=": "make"}}
    assert trigger.rules["needs_input"] is True
    assert trigger.deadline is not None


def test_its_own_deadline_is_ninety_days(sensor: DiracTransformationSensor) -> None:
    assert sensor.timeout == LONGEST_WAIT == 90 * 86400


def test_complete_returns_the_snapshot(
    started: MemoryGrid, sensor: DiracTransformationSensor, context: Context
) -> None:
    assert sensor.resume(context, event("complete")) == event("complete")["snapshot"]


def test_a_flush_is_handed_on_by_who_waits_for_it(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    first = DiracTransformationSensor(
        task_id="wait_for_input", production=production, step="merge", until={"flush", "complete"}
    )
    assert first.resume(context, event("flush"))["id"] == 2
    assert started.transformations[2].status == "Active"


def test_a_late_flush_is_done_counted_and_waited_for(
    started: MemoryGrid, sensor: DiracTransformationSensor, context: Context
) -> None:
    again = deferral(sensor.resume, context, event("flush", flushes=2, deadline=9e9)).trigger
    assert started.transformations[2].status == "Flush"
    assert (again.flushes, again.deadline) == (3, 9e9)


def test_a_flush_that_came_to_nothing_is_not_counted(
    started: MemoryGrid, sensor: DiracTransformationSensor, context: Context
) -> None:
    started.serve_setTransformationParameter(2, "Status", "Stopped")
    assert deferral(sensor.resume, context, event("flush", flushes=2)).trigger.flushes == 2
    assert started.transformations[2].status == "Stopped"


@pytest.mark.parametrize(("kind", "hint"), [("fail", "mend it"), ("timeout", "longer timeout")])
def test_giving_up_says_why_and_what_to_do(
    started: MemoryGrid,
    sensor: DiracTransformationSensor,
    context: Context,
    kind: str,
    hint: str,
) -> None:
    with pytest.raises(AirflowFailException, match="because") as caught:
        sensor.resume(context, event(kind))
    assert hint in str(caught.value)


@pytest.mark.parametrize("old", [None, {}, {"kind": "a word of another version"}, {"id": 2}])
def test_an_event_it_does_not_know_leads_back_to_waiting(
    started: MemoryGrid, sensor: DiracTransformationSensor, context: Context, old: Any
) -> None:
    assert isinstance(deferral(sensor.resume, context, old).trigger, DiracTransformationTrigger)


def test_an_outage_keeps_what_the_wait_must_remember(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    sensor = DiracTransformationSensor(
        task_id="wait_for_completion", production=production, step="merge", outage_patience=0
    )
    started.down = True
    waiting = deferral(sensor.resume, context, event("flush", flushes=2, deadline=9e9)).trigger
    assert isinstance(waiting, DiracGatewayTrigger)
    started.down = False
    back = {"kind": "reachable", "state": waiting.state}
    again = deferral(sensor.after_outage, context, back).trigger
    assert (again.transformation, again.flushes, again.deadline) == (2, 2, 9e9)


def test_without_a_transformation_it_says_what_to_do(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context
) -> None:
    with pytest.raises(AirflowFailException, match="clear the task that creates it"):
        sensor.work(context, {})


@pytest.mark.parametrize(
    "until", [set(), {"flush"}, {"complete", "fail"}, {"input"}, {"complete", "flush", "input"}]
)
def test_it_waits_for_verdicts_only(production: Production, until: set[str]) -> None:
    with pytest.raises(ValueError, match="until"):
        DiracTransformationSensor(task_id="t", production=production, step="merge", until=until)


class TaskInstance:
    """The XComs of a step's tasks."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        return self.pushed.get(key) if task_ids == "merge.wait_for_input" else None


@pytest.fixture
def instance(context: Context) -> TaskInstance:
    context["ti"] = TaskInstance()
    return context["ti"]


def for_input(production: Production, *until: str) -> DiracTransformationSensor:
    return DiracTransformationSensor(
        task_id="merge.wait_for_input",
        production=production,
        step="merge",
        until=until or ("flush", "complete"),
        parents=["make.complete"],
    )


def test_the_wait_for_the_input_knows_the_parents(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    trigger = deferral(for_input(production).work, context, {}).trigger
    assert trigger.parents == ["make.complete"]
    assert not trigger.until_final
    trigger = deferral(for_input(production, "input", "complete").work, context, {}).trigger
    assert trigger.until_final


def test_a_wait_whose_parent_failed_ends_without_a_report_a_notice_or_an_act(
    started: MemoryGrid,
    production: Production,
    context: Context,
    instance: TaskInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sensor = for_input(production)

    def never(*given: Any) -> None:
        raise AssertionError(f"no notice is sent: {given}")

    monkeypatch.setattr(sensor, "_report", never)
    monkeypatch.setattr(sensor, "_sender", never)
    broken = event("broken", reason="make.complete failed", history={"flushes": 2})
    assert sensor.resume(context, broken) == broken["snapshot"]
    handed = instance.pushed["history"]
    assert (handed["kind"], handed["history"]["flushes"]) == ("broken", 2)
    assert instance.pushed["state"]["line"] == "merge failed: make.complete failed"
    assert started.transformations[2].status == "Active"


def test_a_broken_wait_that_never_saw_its_transformation_ends_too(
    started: MemoryGrid, production: Production, context: Context, instance: TaskInstance
) -> None:
    assert for_input(production).resume(context, {**event("broken"), "snapshot": None}) is None


def test_after_a_broken_wait_the_wait_for_completion_flushes_and_nobody_before(
    started: MemoryGrid, production: Production, context: Context, instance: TaskInstance
) -> None:
    broken = event("broken", history={"flushes": 2})
    for_input(production).resume(context, broken)
    flush = DiracFlushTransformationOperator(
        task_id="merge.flush", production=production, step="merge"
    )
    assert flush.work(context, {}) == {"flushed": False}
    assert started.transformations[2].status == "Active"
    wait = DiracTransformationSensor(
        task_id="merge.wait_for_completion", production=production, step="merge"
    )
    assert deferral(wait.work, context, {}).trigger.flushes == 2
    assert deferral(wait.resume, context, event("flush", flushes=2)).trigger.flushes == 3
    assert started.transformations[2].status == "Flush"


def test_what_the_wait_for_the_input_remembers_is_handed_on(
    started: MemoryGrid, production: Production, context: Context, instance: TaskInstance
) -> None:
    wait = DiracTransformationSensor(
        task_id="merge.wait_for_completion", production=production, step="merge"
    )
    for kind, until, flushes in (
        ("flush", ("flush", "complete"), 3),
        ("input", ("input", "complete"), 2),
        ("complete", ("flush", "complete"), 2),
    ):
        for_input(production, *until).resume(context, event(kind, history={"flushes": 2}))
        assert deferral(wait.work, context, {}).trigger.flushes == flushes
