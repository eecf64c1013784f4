"""Tasks of a DAG that recover files and add tasks, tell, and wait on."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from dirac_prodsys.core.policy import History
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.sensors import DiracTransformationSensor


@pytest.fixture
def stranded(grid: MemoryGrid, gateway: MemoryGateway, production: Production) -> MemoryGrid:
    """Step ``merge`` with four files of a failed task, and two left over."""
    from dirac_prodsys.core.plan.compile import compile

    grid.fails = lambda task: task.transformation == 2
    grid.stopped_agents = {"file_monitoring"}
    for step in compile(production, run="r1").steps:
        made = gateway.create_transformation(step.transformation)
        gateway.prepare_directories(step.transformation.directories)
        gateway.ensure_tasks(made.id, step.transformation.tasks or 0)
        gateway.start_transformation(made.id)
    grid.advance(200)
    return grid


class Pushed(dict[str, Any]):
    """What a task tells by XCom."""

    def xcom_push(self, key: str, value: Any) -> None:
        self[key] = json.loads(json.dumps(value))


def event(gateway: MemoryGateway, number: int, kind: str, **more: Any) -> dict[str, Any]:
    snapshot = gateway.snapshot([number])[number].to_dict()
    return {"kind": kind, "reason": "because", "snapshot": snapshot, "deadline": 9e9, **more}


def resume(sensor: Any, context: dict[str, Any], what: dict[str, Any]) -> Any:
    with pytest.raises(TaskDeferred) as caught:
        sensor.resume(context, what)
    return caught.value.trigger


def test_a_task_recovers_tells_and_waits_on(
    stranded: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    context: dict[str, Any],
) -> None:
    sensor = DiracTransformationSensor(task_id="process", production=production, step="merge")
    pushed = Pushed()
    context["ti"] = SimpleNamespace(xcom_push=pushed.xcom_push)
    history = History(attached=6, unchanged_since=5.0, flushes=1).to_dict()
    trigger = resume(sensor, context, event(gateway, 2, "recover", history=history))
    assert gateway.snapshot([2])[2].files == {"Unused": 6}
    assert pushed["recovery"]["requeued"] == {"Failed: Application Finished With Errors": 4}
    past = History.from_dict(trigger.history)
    assert (past.handled_tasks, past.flushes, past.attached, past.asked) == (1, 1, 6, 0)
    assert (trigger.flushes, trigger.deadline) == (1, 9e9)


def test_a_task_waiting_to_settle_recovers_as_well(
    stranded: MemoryGrid, gateway: MemoryGateway, production: Production, context: dict[str, Any]
) -> None:
    sensor = DiracTransformationSensor(
        task_id="settle", production=production, step="merge", until={"flush", "complete"}
    )
    resume(sensor, context, event(gateway, 2, "recover"))
    assert gateway.snapshot([2])[2].files == {"Unused": 6}


def test_a_task_adds_tasks_up_to_a_number_however_often_it_is_asked(
    stranded: MemoryGrid, gateway: MemoryGateway, production: Production, context: dict[str, Any]
) -> None:
    sensor = DiracTransformationSensor(task_id="process", production=production, step="make")
    for _ in range(2):
        resume(sensor, context, event(gateway, 1, "extend", tasks=9))
    assert sum(gateway.snapshot([1])[1].tasks.values()) == 9


@pytest.mark.parametrize("kind", ["complete", "fail", "timeout"])
def test_a_task_tells_what_the_jobs_came_to_when_it_ends(
    stranded: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    context: dict[str, Any],
    kind: str,
) -> None:
    sensor = DiracTransformationSensor(task_id="process", production=production, step="merge")
    pushed = Pushed()
    context["ti"] = SimpleNamespace(xcom_push=pushed.xcom_push)
    try:
        sensor.resume(context, event(gateway, 2, kind))
        ended = "well"
    except AirflowFailException:
        ended = "badly"
    assert ended == ("well" if kind == "complete" else "badly")
    assert pushed["job_report"]["statuses"] == {"Failed": 1}
    assert "<table>" in pushed["job_report"]["html"]


def test_a_report_that_cannot_be_made_stands_in_nobodys_way(
    stranded: MemoryGrid, gateway: MemoryGateway, production: Production, context: dict[str, Any]
) -> None:
    sensor = DiracTransformationSensor(task_id="process", production=production, step="merge")
    what = event(gateway, 2, "complete")
    stranded.down = True
    assert sensor.resume(context, what) == what["snapshot"]
