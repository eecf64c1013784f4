"""What a waiting task's end does to the grid: only a person who marks it failed stops anything."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.stops import stop
from dirac_prodsys.provider import triggers
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from dirac_prodsys.provider.triggers import DiracTransformationTrigger
from dirac_prodsys.provider.waiting.task_states import task_state
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]

WHY = "run r1 did not complete"


@pytest.fixture
def started(grid: MemoryGrid, production: Production, context: Context) -> MemoryGrid:
    """Both steps at work."""
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            act(task_id="t", production=production, step=step).work(context, {})
    return grid


def wait(production: Production, context: Context, **more: Any) -> DiracTransformationTrigger:
    """The trigger that the wait of ``make`` hands itself to."""
    sensor = DiracTransformationSensor(
        task_id="make.wait_for_completion", production=production, step="make", **more
    )
    with pytest.raises(TaskDeferred) as caught:
        sensor.work(context, {})
    trigger = caught.value.trigger
    assert isinstance(trigger, DiracTransformationTrigger)
    trigger.not_before = 0.0
    return trigger


def airflow_says(monkeypatch: pytest.MonkeyPatch, state: str | None) -> None:
    async def answer(_task_instance: Any) -> str | None:
        return state

    monkeypatch.setattr(triggers, "task_state", answer)


async def test_a_task_marked_failed_stops_its_transformation_and_a_clear_takes_it_up(
    started: MemoryGrid,
    production: Production,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    airflow_says(monkeypatch, "failed")
    trigger = wait(production, context)
    for _ in range(2):
        await trigger.on_kill()
        assert started.transformations[1].status == "Stopped"
    assert started.transformations[2].status == "Active"
    wait(production, context)
    assert started.transformations[1].status == "Active"


async def test_it_is_stopped_also_when_airflow_cancels_the_kill_itself(
    started: MemoryGrid, production: Production, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def slowly(_task_instance: Any) -> str:
        await asked.wait()
        return "failed"

    monkeypatch.setattr(triggers, "task_state", slowly)
    trigger = wait(production, context)
    kill = asyncio.ensure_future(trigger.on_kill())
    await asyncio.sleep(0)
    kill.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kill
    asked.set()
    async with asyncio.timeout(30):
        while started.transformations[1].status != "Stopped":
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "state",
    # taken over by another triggerer; cleared, at every stage of the new attempt; marked a success
    ["deferred", "running", "queued", "scheduled", None, "success", "skipped", "up_for_retry"],
)
async def test_whatever_else_ends_a_wait_stops_nothing(
    started: MemoryGrid,
    production: Production,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    state: str | None,
) -> None:
    airflow_says(monkeypatch, state)
    await wait(production, context).on_kill()
    assert started.transformations[1].status == "Active"


async def test_waits_that_do_not_answer_for_the_transformation_stop_nothing(
    started: MemoryGrid,
    production: Production,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    airflow_says(monkeypatch, "failed")
    lenient = load_production(TWO_STEPS.replace("tags: [demo]", "on_cancel: leave"), "two.yaml")
    await wait(lenient, context).on_kill()
    # a child that waits until its parent has done a share of its work
    await wait(production, context, ready_at=0.1).on_kill()
    # one of before this was thought of
    stored = wait(production, context).serialize()[1]
    del stored["stops"]
    await DiracTransformationTrigger(**stored).on_kill()
    assert started.transformations[1].status == "Active"


async def test_an_outage_while_it_is_killed_is_left_to_the_end_of_the_run(
    started: MemoryGrid,
    production: Production,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    airflow_says(monkeypatch, "failed")
    trigger = wait(production, context)
    started.down = True
    with pytest.raises(GatewayUnavailable):
        await trigger.on_kill()  # Airflow logs it, and goes on
    started.down = False
    assert started.transformations[1].status == "Active"


async def test_a_stop_of_ours_that_comes_after_the_clear_is_undone(
    started: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    trigger = wait(production, context)

    async def first_event() -> dict[str, Any]:
        async for event in trigger.run():
            return dict(event.payload)
        raise AssertionError("no event")

    waiting = asyncio.ensure_future(first_event())
    await asyncio.sleep(0.05)
    assert stop(gateway, 1, WHY)
    async with asyncio.timeout(30):
        event = await waiting
    assert event["kind"] == "resume"
    sensor = DiracTransformationSensor(task_id="t", production=production, step="make")
    with pytest.raises(TaskDeferred):
        sensor.resume(context, event)
    assert started.transformations[1].status == "Active"


async def test_a_persons_stop_is_waited_for(
    started: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    for _ in range(2):  # ours, undone; then theirs
        stop(gateway, 1, WHY)
        trigger = wait(production, context)
        assert started.transformations[1].status == "Active"
    started.serve_setTransformationParameter(1, "Status", "Stopped")
    trigger.story = None  # else a worker is woken to keep who stopped it
    events: list[Any] = []

    async def collect() -> None:
        async for event in trigger.run():
            events.append(event.payload)

    waiting = asyncio.ensure_future(collect())
    looks = started.now
    async with asyncio.timeout(30):
        while started.now < looks + 30:
            started.advance(1)
            await asyncio.sleep(0.02)
    assert not events
    gateway.resume_transformation(1)
    started.advance(100)
    async with asyncio.timeout(30):
        while not events:
            started.advance(5)
            await asyncio.sleep(0.01)
    await waiting
    assert [event["kind"] for event in events] == ["complete"]


def test_a_cleared_start_undoes_our_stop_and_no_persons(
    started: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    start = DiracStartTransformationOperator(task_id="t", production=production, step="make")
    stop(gateway, 1, WHY)
    start.work(context, {})
    assert started.transformations[1].status == "Active"
    started.serve_setTransformationParameter(1, "Status", "Stopped")
    start.work(context, {})
    assert started.transformations[1].status == "Stopped"


async def test_the_state_of_a_task_is_asked_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time import task_runner

    asked: list[dict[str, Any]] = []

    def states(**arguments: Any) -> dict[str, dict[str, str]]:
        asked.append(arguments)
        return {"r1": {"make.wait_for_completion": "failed", "one_3": "deferred"}}

    monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_task_states", staticmethod(states))
    one = SimpleNamespace(
        dag_id="two", run_id="r1", task_id="make.wait_for_completion", map_index=-1
    )
    assert await task_state(one) == "failed"
    assert asked == [{"dag_id": "two", "task_ids": ["make.wait_for_completion"], "run_ids": ["r1"]}]
    mapped = SimpleNamespace(dag_id="two", run_id="r1", task_id="one", map_index=3)
    assert await task_state(mapped) == "deferred"
    assert await task_state(SimpleNamespace(**{**vars(one), "run_id": "gone"})) is None
    assert await task_state(None) is None
