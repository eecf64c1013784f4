"""Waiting by verdicts: exactly one event, whatever happens meanwhile; old waits stay readable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from dirac_prodsys.core.plan import StepPlan, compile
from dirac_prodsys.core.policy import History
from dirac_prodsys.core.production import Production
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory_grid import MemoryGrid
from dirac_prodsys.provider import moments
from dirac_prodsys.provider.poller import attached
from dirac_prodsys.provider.triggers import DiracGatewayTrigger, DiracTransformationTrigger


def begin(gateway: MemoryGateway, production: Production) -> tuple[int, int]:
    """Both transformations created, prepared and started; their IDs."""
    numbers = []
    for step in compile(production, run="r1").steps:
        spec = step.transformation
        record = gateway.create_transformation(spec)
        gateway.prepare_directories(spec.directories)
        if spec.tasks:
            gateway.ensure_tasks(record.id, spec.tasks)
        gateway.start_transformation(record.id)
        numbers.append(record.id)
    return numbers[0], numbers[1]


def trigger_for(number: int, step: StepPlan, **more: Any) -> DiracTransformationTrigger:
    query = step.transformation.input_query
    return DiracTransformationTrigger(
        transformation=number,
        name=step.transformation.name,
        rules=step.rules.to_dict(),
        query=query.to_dirac() if query else None,
        **more,
    )


async def events(trigger: Any, meanwhile: Callable[[], None] = lambda: None) -> list[Any]:
    """All events of a trigger; ``meanwhile`` is called again and again until it ends."""

    async def collect() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    task = asyncio.ensure_future(collect())
    try:
        async with asyncio.timeout(60):
            while not task.done():
                meanwhile()
                await asyncio.sleep(0.005)
        return task.result()
    finally:
        task.cancel()


@pytest.fixture
def steps(production: Production) -> tuple[StepPlan, ...]:
    return compile(production, run="r1").steps


async def test_a_step_without_input_is_waited_for_until_its_tasks_are_done(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    make, _ = begin(gateway, production)
    (event,) = await events(trigger_for(make, steps[0]), lambda: grid.advance(5))
    assert event["kind"] == "complete"
    assert Snapshot.from_dict(event["snapshot"]).tasks == {"Done": 6}


async def test_left_over_files_ask_for_a_flush_and_its_count_comes_back(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    _, merge = begin(gateway, production)
    grid.advance(200)
    (event,) = await events(
        trigger_for(merge, steps[1], flushes=3, deadline=9e9), lambda: grid.advance(1)
    )
    assert event["kind"] == "flush"
    assert event["snapshot"]["files"]["Unused"] == 2
    assert (event["flushes"], event["deadline"]) == (3, 9e9)


async def test_no_flush_before_the_inputs_are_final(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    _, merge = begin(gateway, production)
    grid.advance(200)
    waiting = asyncio.ensure_future(
        events(trigger_for(merge, steps[1], inputs_final=False), lambda: grid.advance(1))
    )
    async with asyncio.timeout(60):
        while grid.now < 400:
            await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()


async def test_what_a_person_removed_fails_at_once(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    make, _ = begin(gateway, production)
    grid.serve_setTransformationParameter(make, "Status", "Cleaned")
    (event,) = await events(trigger_for(make, steps[0]))
    assert event["kind"] == "fail"
    assert "Cleaned" in event["reason"]


async def test_a_transformation_that_left_the_database_fails(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    make, _ = begin(gateway, production)
    grid.serve_deleteTransformation(make)
    (event,) = await events(trigger_for(make, steps[0]))
    assert event["kind"] == "fail"
    assert "Deleted" in event["reason"]


async def test_a_person_who_completes_it_is_believed(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    make, _ = begin(gateway, production)
    gateway.complete_transformation(make)
    (event,) = await events(trigger_for(make, steps[0]))
    assert event["kind"] == "complete"


async def test_an_outage_and_an_expired_proxy_are_waited_out_and_told_once_each(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    steps: tuple[StepPlan, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, _ = begin(gateway, production)
    told: list[str] = []
    trigger = trigger_for(make, steps[0])
    monkeypatch.setattr(trigger.log, "warning", lambda text, *a: told.append(text % a))
    monkeypatch.setattr(trigger.log, "info", lambda text, *a: told.append(text % a))
    turns = iter(range(10**9))
    grid.down = True

    def meanwhile() -> None:
        turn = next(turns)
        if turn == 20:
            grid.down = False
            grid.fault("denied", times=2)
        if turn > 60:
            grid.advance(50)

    (event,) = await events(trigger, meanwhile)
    assert event["kind"] == "complete"
    assert sum("does not answer" in line for line in told) in (1, 2)
    assert sum("answers again" in line for line in told) in (1, 2)


async def test_a_deadline_of_our_own_is_kept_even_while_the_grid_is_down(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    make, _ = begin(gateway, production)
    grid.down = True
    (event,) = await events(trigger_for(make, steps[0], deadline=1.0))
    assert event["kind"] == "timeout"


async def test_without_the_catalogue_there_is_no_verdict_and_with_it_there_is(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, steps: tuple[StepPlan, ...]
) -> None:
    _, merge = begin(gateway, production)
    grid.advance(200)
    methods = ("findFilesByMetadataWeb", "getMetadataFields")
    faults = [grid.fault("unavailable", method, times=10**6) for method in methods]
    turns = iter(range(10**9))

    def meanwhile() -> None:
        if next(turns) == 100:
            for fault in faults:
                fault.times = 0

    (event,) = await events(trigger_for(merge, steps[1]), meanwhile)
    assert next(turns) > 100
    assert event["kind"] == "flush"


async def test_a_thousand_waits_cost_three_calls_a_cycle(
    grid: MemoryGrid, gateway: MemoryGateway, steps: tuple[StepPlan, ...]
) -> None:
    spec = steps[0].transformation
    names = [f"t{index}" for index in range(1000)]
    numbers = [
        gateway.create_transformation(spec.model_copy(update={"name": name})).id for name in names
    ]
    calls: list[int] = []
    async with attached("dirac_default") as poller:
        waits = [asyncio.ensure_future(events(trigger_for(n, steps[0]))) for n in numbers]
        await poller.look(numbers[0], first=True)
        assert isinstance(poller.gateway, MemoryGateway)
        while len(calls) < 5:
            await poller.look(numbers[-1])
            calls.append(poller.gateway.services.calls.total())
        assert not any(wait.done() for wait in waits)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    assert [after - before for before, after in pairwise(calls)] == [3] * 4


async def test_no_event_comes_before_the_worker_has_seen_its_task_defer(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    steps: tuple[StepPlan, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, _ = begin(gateway, production)
    gateway.complete_transformation(make)
    clock = [1000.0]
    monkeypatch.setattr(moments.time, "time", lambda: clock[0])
    waits: list[float] = []
    monkeypatch.setattr(moments.asyncio, "sleep", lambda seconds: _note(waits, seconds))
    trigger = trigger_for(make, steps[0], not_before=1006.0)
    assert [event.payload["kind"] async for event in trigger.run()] == ["complete"]
    assert waits == [6.0]
    skewed = trigger_for(make, steps[0], not_before=9e9)
    assert [event.payload["kind"] async for event in skewed.run()] == ["complete"]
    assert waits == [6.0, 60.0]


async def _note(waits: list[float], seconds: float) -> None:
    if seconds > 0.5:
        waits.append(seconds)


def test_the_earliest_event_follows_airflows_own_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moments.time, "time", lambda: 1000.0)
    assert moments.earliest_event() == 0.0
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "5")
    assert moments.earliest_event() == 1006.0


@pytest.mark.parametrize(
    "trigger",
    [
        DiracTransformationTrigger(
            7, "n", "c", {"needs_input": True, "new_rule": 1}, {"a": {"=": 1}}, False, 2, 5.0
        ),
        DiracGatewayTrigger("c", {"flushes": 2}, 5.0),
    ],
)
def test_a_trigger_travels_as_json(trigger: Any) -> None:
    from airflow.sdk._shared.module_loading import import_string

    path, kwargs = trigger.serialize()
    again = import_string(path)(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (path, kwargs)


def test_the_path_and_arguments_that_are_stored_for_weeks_never_change() -> None:
    path, kwargs = DiracTransformationTrigger(1).serialize()
    assert path == "dirac_prodsys.provider.triggers.DiracTransformationTrigger"
    assert set(kwargs) >= {
        "transformation",
        "name",
        "dirac_conn_id",
        "rules",
        "query",
        "inputs_final",
        "flushes",
        "deadline",
        "not_before",
    }


def test_arguments_of_another_version_are_ignored() -> None:
    assert DiracTransformationTrigger(transformation="7", use_event=True).transformation == 7
    assert DiracGatewayTrigger(use_event=True).state == {}


async def test_the_grid_itself_is_waited_for(grid: MemoryGrid) -> None:
    grid.down = True
    turns = iter(range(10**9))

    def meanwhile() -> None:
        if next(turns) == 20:
            grid.down = False

    (event,) = await events(DiracGatewayTrigger(state={"flushes": 4}), meanwhile)
    assert (event["kind"], event["state"]) == ("reachable", {"flushes": 4})


async def test_the_grid_is_not_waited_for_beyond_the_deadline(grid: MemoryGrid) -> None:
    grid.down = True
    (event,) = await events(DiracGatewayTrigger(deadline=1.0))
    assert (event["kind"], event["reason"]) == ("timeout", "the in-memory grid is down")


async def test_what_a_wait_remembers_travels_with_it(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    steps: tuple[StepPlan, ...],
) -> None:
    _, merge = begin(gateway, production)
    grid.advance(200)
    past = History(flushes=2, flushed_files=4, handled_tasks=1, looked=7.0)
    trigger = trigger_for(merge, steps[1], flushes=2, history=past.to_dict())
    (event,) = await events(trigger, lambda: grid.advance(1))
    assert event["kind"] == "flush"
    assert "came after flush 2: the step is open again, flush 3" in event["reason"]
    kept = History.from_dict(event["history"])
    assert (kept.flushes, kept.flushed_files, kept.looked) == (2, 4, 7.0)


async def test_failed_tasks_ask_for_a_recovery(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    steps: tuple[StepPlan, ...],
) -> None:
    grid.stopped_agents = {"file_monitoring"}
    grid.fails = lambda task: task.transformation == 2
    _, merge = begin(gateway, production)
    grid.advance(200)
    (event,) = await events(trigger_for(merge, steps[1]), lambda: grid.advance(1))
    assert event["kind"] == "recover"
    assert event["reason"] == "1 tasks failed while 4 files are Assigned, 2 Unused"


async def test_missing_tasks_ask_for_an_extension_and_say_how_many(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    steps: tuple[StepPlan, ...],
) -> None:
    grid.fails = lambda task: task.id == 1
    make, _ = begin(gateway, production)
    trigger = trigger_for(make, steps[0])
    trigger.rules["extend"] = 1.0
    (event,) = await events(trigger, lambda: grid.advance(1))
    assert (event["kind"], event["tasks"]) == ("extend", 8)


async def test_an_alarm_is_told_once_and_the_wait_goes_on(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    steps: tuple[StepPlan, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, merge = begin(gateway, production)
    grid.advance(200)
    trigger = trigger_for(merge, steps[1])
    trigger.rules["flush"] = "manual"
    told: list[str] = []
    monkeypatch.setattr(trigger.log, "warning", lambda text, *a: told.append(text % a))
    turns = iter(range(10**9))

    def meanwhile() -> None:
        if next(turns) == 60 or len(told) > 1:
            gateway.complete_transformation(merge)

    (event,) = await events(trigger, meanwhile)
    assert event["kind"] == "complete"
    assert told == ["2 of 6 files are Unused, and the policy leaves the flush to a person"]
