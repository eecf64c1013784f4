"""Waiting by verdicts: exactly one event, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy import History
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.triggers import DiracGatewayTrigger, DiracTransformationTrigger
from dirac_prodsys.provider.waiting import event_time, task_states
from dirac_prodsys.provider.waiting.poller import attached
from tests.unit.provider.waits import Begun, events, trigger_for


async def test_a_step_without_input_is_waited_for_until_its_tasks_are_done(begun: Begun) -> None:
    (event,) = await events(begun.making(), lambda: begun.grid.advance(5))
    assert event["kind"] == "complete"
    assert Snapshot.from_dict(event["snapshot"]).tasks == {"Done": 6}


async def test_left_over_files_ask_for_a_flush_and_its_count_comes_back(begun: Begun) -> None:
    begun.grid.advance(200)
    (event,) = await events(begun.merging(flushes=3, deadline=9e9), lambda: begun.grid.advance(1))
    assert event["kind"] == "flush"
    assert event["snapshot"]["files"]["Unused"] == 2
    assert (event["flushes"], event["deadline"]) == (3, 9e9)


async def test_no_flush_before_the_inputs_are_final(begun: Begun) -> None:
    begun.grid.advance(200)
    waiting = asyncio.ensure_future(
        events(begun.merging(inputs_final=False), lambda: begun.grid.advance(1))
    )
    async with asyncio.timeout(60):
        while begun.grid.now < 400:
            await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()


async def test_what_a_person_removed_fails_at_once(begun: Begun) -> None:
    begun.grid.serve_setTransformationParameter(begun.make, "Status", "Cleaned")
    (event,) = await events(begun.making())
    assert event["kind"] == "fail"
    assert "Cleaned" in event["reason"]


async def test_a_transformation_that_left_the_database_fails(begun: Begun) -> None:
    begun.grid.serve_deleteTransformation(begun.make)
    (event,) = await events(begun.making())
    assert event["kind"] == "fail"
    assert "Deleted" in event["reason"]


async def test_a_person_who_completes_it_is_believed(begun: Begun) -> None:
    begun.gateway.complete_transformation(begun.make)
    (event,) = await events(begun.making())
    assert event["kind"] == "complete"


async def test_an_outage_and_an_expired_proxy_are_waited_out_and_reported_once_each(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    trigger = begun.making()
    monkeypatch.setattr(trigger.log, "warning", lambda text, *a: lines.append(text % a))
    monkeypatch.setattr(trigger.log, "info", lambda text, *a: lines.append(text % a))
    turns = iter(range(10**9))
    begun.grid.down = True

    def meanwhile() -> None:
        turn = next(turns)
        if turn == 20:
            begun.grid.down = False
            begun.grid.fault("denied", times=2)
        if turn > 60:
            begun.grid.advance(50)

    (event,) = await events(trigger, meanwhile)
    assert event["kind"] == "complete"
    assert sum("does not answer" in line for line in lines) in (1, 2)
    assert sum("answers again" in line for line in lines) in (1, 2)


async def test_a_deadline_of_our_own_is_kept_even_while_the_grid_is_down(begun: Begun) -> None:
    begun.grid.down = True
    (event,) = await events(begun.making(deadline=1.0))
    assert event["kind"] == "timeout"


async def test_without_the_catalogue_there_is_no_verdict_and_with_it_there_is(begun: Begun) -> None:
    begun.grid.advance(200)
    methods = ("findFilesByMetadataWeb", "getMetadataFields")
    faults = [begun.grid.fault("unavailable", method, times=10**6) for method in methods]
    turns = iter(range(10**9))

    def meanwhile() -> None:
        if next(turns) == 100:
            for fault in faults:
                fault.times = 0

    (event,) = await events(begun.merging(), meanwhile)
    assert next(turns) > 100
    assert event["kind"] == "flush"


async def test_a_thousand_waits_cost_three_calls_a_cycle(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production
) -> None:
    step = compile(production, run="r1").steps[0]
    spec = step.transformation
    names = [f"t{index}" for index in range(1000)]
    numbers = [
        gateway.create_transformation(spec.model_copy(update={"name": name})).id for name in names
    ]
    calls: list[int] = []
    async with attached("dirac_default") as poller:
        waits = [asyncio.ensure_future(events(trigger_for(n, step))) for n in numbers]
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
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.gateway.complete_transformation(begun.make)
    clock = [1000.0]
    monkeypatch.setattr(event_time.time, "time", lambda: clock[0])
    waits: list[float] = []
    monkeypatch.setattr(event_time.asyncio, "sleep", lambda seconds: _note(waits, seconds))
    trigger = begun.making(not_before=1006.0)
    assert [event.payload["kind"] async for event in trigger.run()] == ["complete"]
    assert waits == [6.0]
    skewed = begun.making(not_before=9e9)
    assert [event.payload["kind"] async for event in skewed.run()] == ["complete"]
    assert waits == [6.0, 60.0]


async def _note(waits: list[float], seconds: float) -> None:
    if seconds > 0.5:
        waits.append(seconds)


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


async def test_what_a_wait_remembers_travels_with_it(begun: Begun) -> None:
    begun.grid.advance(200)
    past = History(flushes=2, flushed_files=4, handled_tasks=1, looked=7.0)
    trigger = begun.merging(flushes=2, history=past.to_dict())
    (event,) = await events(trigger, lambda: begun.grid.advance(1))
    assert event["kind"] == "flush"
    assert "came after flush 2: the step is open again, flush 3" in event["reason"]
    kept = History.from_dict(event["history"])
    assert (kept.flushes, kept.flushed_files, kept.looked) == (2, 4, 7.0)


async def test_failed_tasks_ask_for_a_recovery(begun: Begun) -> None:
    begun.grid.stopped_agents = {"file_monitoring"}
    begun.grid.fails = lambda task: task.transformation == 2
    begun.grid.advance(200)
    (event,) = await events(begun.merging(), lambda: begun.grid.advance(1))
    assert event["kind"] == "recover"
    assert event["reason"] == "1 tasks failed while 4 files are Assigned, 2 Unused"


async def test_missing_tasks_ask_for_an_extension_and_say_how_many(begun: Begun) -> None:
    begun.grid.fails = lambda task: task.id == 1
    trigger = begun.making()
    trigger.rules["extend"] = 1.0
    (event,) = await events(trigger, lambda: begun.grid.advance(1))
    assert (event["kind"], event["tasks"]) == ("extend", 8)


async def test_an_alarm_is_reported_once_and_the_wait_goes_on(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.grid.advance(200)
    trigger = begun.merging()
    trigger.rules["flush"] = "manual"
    lines: list[str] = []
    monkeypatch.setattr(trigger.log, "warning", lambda text, *a: lines.append(text % a))
    turns = iter(range(10**9))

    def meanwhile() -> None:
        if next(turns) == 60 or len(lines) > 1:
            begun.gateway.complete_transformation(begun.merge)

    (event,) = await events(trigger, meanwhile)
    assert event["kind"] == "complete"
    assert lines == ["2 of 6 files are Unused, and the policy leaves the flush to a person"]


PARENTS = ("make.complete", "other.complete")


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What Airflow says of a run's tasks, whenever it is asked: both parents are at work."""
    states: dict[str, str | None] = dict.fromkeys(PARENTS)

    def answer(**_: Any) -> dict[str, dict[str, str | None]]:
        return {"r1": dict(states)}

    monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_task_states", staticmethod(answer))
    monkeypatch.setattr(task_states, "_RECENT", {})
    return states


def of_a_child(begun: Begun, **more: Any) -> DiracTransformationTrigger:
    """What waits for the input of a step whose parents are in the run."""
    trigger = begun.merging(parents=PARENTS, **more)
    trigger.task_instance = SimpleNamespace(dag_id="two", run_id="r1", task_id="x")
    return trigger


async def ended(trigger: DiracTransformationTrigger, begun: Begun, act: Callable[[], None]) -> Any:
    """Its event; ``act`` is done when it has waited for long."""
    turns = iter(range(10**9))

    def meanwhile() -> None:
        begun.grid.advance(1)
        if next(turns) == 60:
            act()

    (event,) = await events(trigger, meanwhile)
    assert next(turns) > 60
    return event


@pytest.mark.parametrize("state", [None, "running", "deferred", "up_for_retry", "a new word"])
async def test_more_files_may_come_until_all_parents_have_succeeded(
    begun: Begun, states: dict[str, str | None], state: str | None
) -> None:
    begun.grid.advance(200)
    states |= {"make.complete": "success", "other.complete": state}
    event = await ended(
        of_a_child(begun), begun, lambda: states.update({"other.complete": "success"})
    )
    assert event["kind"] == "flush"


async def test_a_parent_that_airflow_does_not_know_is_waited_for(
    begun: Begun, states: dict[str, str | None]
) -> None:
    begun.grid.advance(200)
    states.clear()
    event = await ended(
        of_a_child(begun), begun, lambda: states.update(dict.fromkeys(PARENTS, "success"))
    )
    assert event["kind"] == "flush"


async def test_without_an_answer_of_airflow_the_wait_goes_on(
    begun: Begun, states: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.grid.advance(200)
    states |= dict.fromkeys(PARENTS, "success")
    down = [True]
    real = task_states.task_states

    def answer(*given: Any) -> dict[str, str | None]:
        if down[0]:
            raise RuntimeError("the API server is down")
        return real(*given)

    monkeypatch.setattr(task_states, "task_states", answer)
    event = await ended(of_a_child(begun), begun, lambda: down.__setitem__(0, False))
    assert event["kind"] == "flush"


@pytest.mark.parametrize("state", ["failed", "upstream_failed"])
async def test_a_parent_that_failed_ends_the_wait_and_is_named(
    begun: Begun, states: dict[str, str | None], state: str
) -> None:
    begun.grid.advance(200)
    states["make.complete"] = "success"
    event = await ended(of_a_child(begun), begun, lambda: states.update({"other.complete": state}))
    assert event["kind"] == "broken"
    assert event["reason"] == "other.complete failed"
    assert History.from_dict(event["history"]) is not None


async def test_an_outage_does_not_hide_that_a_parent_failed(
    begun: Begun, states: dict[str, str | None]
) -> None:
    begun.grid.down = True
    states["make.complete"] = "failed"
    (event,) = await events(of_a_child(begun))
    assert event["kind"] == "broken"


async def test_a_wait_for_the_input_alone_ends_when_no_more_files_can_come(
    begun: Begun, states: dict[str, str | None]
) -> None:
    trigger = of_a_child(begun, until_final=True)
    trigger.rules["flush"] = "never"
    event = await ended(trigger, begun, lambda: states.update(dict.fromkeys(PARENTS, "success")))
    assert (event["kind"], event["reason"]) == ("input", "no more files can come")


async def test_one_question_serves_all_waits_of_a_run(
    states: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    real = task_states.task_states

    def count(*given: Any) -> dict[str, str | None]:
        asked.append(given)
        return real(*given)

    monkeypatch.setattr(task_states, "task_states", count)
    one, other = (SimpleNamespace(dag_id="two", run_id="r1", task_id=name) for name in "ab")
    assert await task_states.recent_states(one, 60) == states
    states["make.complete"] = "success"
    assert (await task_states.recent_states(other, 60))["make.complete"] is None
    assert (await task_states.recent_states(other, 0))["make.complete"] == "success"
    third = SimpleNamespace(dag_id="two", run_id="r2", task_id="a")
    assert await task_states.recent_states(third, 60) == {}
    assert asked == [("two", "r1"), ("two", "r1"), ("two", "r2")]


async def test_waits_that_look_at_once_ask_airflow_for_the_states_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    release = threading.Event()

    def answer(*key: str) -> dict[str, str | None]:
        asked.append(key)
        release.wait(10)
        return {"make.complete": "success"}

    monkeypatch.setattr(task_states, "task_states", answer)
    waits = [SimpleNamespace(dag_id="many", run_id="r1", task_id=str(n)) for n in range(50)]
    looks = [asyncio.ensure_future(task_states.recent_states(wait, 60)) for wait in waits]
    await asyncio.sleep(0)
    looks[0].cancel()  # it takes the answer from no other
    release.set()
    found = await asyncio.gather(*looks[1:])
    assert found == [{"make.complete": "success"}] * 49
    assert asked == [("many", "r1")]


async def test_an_answer_that_failed_is_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [ConnectionError("away"), {"make.complete": "success"}]

    def answer(*_key: str) -> dict[str, str | None]:
        match answers.pop(0):
            case ConnectionError() as error:
                raise error
            case states:
                return states

    monkeypatch.setattr(task_states, "task_states", answer)
    wait = SimpleNamespace(dag_id="failing", run_id="r1", task_id="a")
    with pytest.raises(ConnectionError):
        await task_states.recent_states(wait, 60)
    assert await task_states.recent_states(wait, 60) == {"make.complete": "success"}
