"""A wait keeps how its step stands, at once and cheaply, and is never broken by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetXCom, SetXCom, XComResult

from dirac_prodsys.core.grid.status import FileStatus
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.reports.state_line import State, StateKind
from dirac_prodsys.core.reports.story import Story
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.stops import LAST_ACTION
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from dirac_prodsys.provider.triggers import DiracGatewayTrigger
from dirac_prodsys.provider.waiting import event_time, task_states
from tests.unit.provider.waits import Begun, events


class Supervisor:
    """Answers a trigger as Airflow's triggerer does: keeps XComs, and takes nothing else."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        #: every value that was written of ``state``
        self.states: list[dict[str, Any]] = []
        self.down = False

    async def asend(self, message: Any) -> Any:
        if self.down:
            raise RuntimeError("the API server is down")
        if isinstance(message, SetXCom):
            self.kept[message.key] = message.value
            if message.key == "state":
                self.states.append(message.value)
            return None
        assert isinstance(message, GetXCom)
        return XComResult(key=message.key, value=self.kept.get(message.key))

    @property
    def kinds(self) -> list[str]:
        return [state["kind"] for state in self.states]


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    made = Supervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", made, raising=False)
    monkeypatch.setattr(task_states, "_RECENT", {})
    return made


def watched(trigger: Any, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The trigger as the triggerer runs it; what it logs is in ``lines``, warnings with a mark."""
    trigger.step = "make"
    trigger.task_instance = SimpleNamespace(
        dag_id="two", run_id="r1", task_id="make.wait", map_index=-1
    )
    monkeypatch.setattr(trigger.log, "warning", lambda text, *a: lines.append(f"! {text % a}"))
    monkeypatch.setattr(trigger.log, "info", lambda text, *a: lines.append(text % a))
    return trigger


def once(*acts: tuple[Callable[[], bool], Callable[[], None]]) -> Callable[[], None]:
    """Does each act, in order, when its condition holds."""
    left = list(acts)

    def meanwhile() -> None:
        if left and left[0][0]():
            left.pop(0)[1]()

    return meanwhile


def stop_as(begun: Begun, by: str, why: str) -> None:
    begun.grid.advance(1)  # its clock begins at 0, which is no time
    begun.gateway.write_note(begun.make, LAST_ACTION, f"stop by {by}: {why} (stop-1)")
    begun.gateway.stop_transformation(begun.make)


def completing(begun: Begun) -> Callable[[], None]:
    return lambda: begun.gateway.complete_transformation(begun.make)


async def test_a_stop_is_reported_at_the_first_look_by_whom_and_why(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    trigger = watched(begun.making(), lines, monkeypatch)
    long = "the calibration of " + "all telescopes " * 20 + "is wrong"
    meanwhile = once(
        (lambda: bool(supervisor.states), lambda: stop_as(begun, "alice", long)),
        (
            lambda: "stopped" in supervisor.kinds,
            lambda: begun.gateway.resume_transformation(begun.make),
        ),
        (lambda: supervisor.kinds[-1] == "waiting", completing(begun)),
    )
    (event,) = await events(trigger, meanwhile)
    assert event["kind"] == "complete"
    stopped = next(state for state in supervisor.states if state["kind"] == "stopped")
    assert stopped["status"] == "Stopped"
    assert stopped["line"].startswith("make Stopped by alice since ")
    assert long in stopped["line"]
    (line,) = [line for line in lines if "Stopped by" in line]
    assert line.startswith("! transformation 1 (two__r1__make) is Stopped by alice since ")
    assert long in line
    assert "transformation 1 is Active again" in lines
    assert supervisor.kinds == ["waiting", "stopped", "waiting", "ended"]


async def test_numbers_are_written_when_they_change_and_at_each_look_at_most(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = watched(begun.making(), [], monkeypatch)
    turns = iter(range(10**9))

    def meanwhile() -> None:
        if next(turns) > 100:  # until then nothing moves
            begun.grid.advance(3)

    (event,) = await events(trigger, meanwhile)
    assert event["kind"] == "complete"
    states = [(state["line"], str(state["tasks"])) for state in supervisor.states]
    assert len(states) == len(set(states))
    assert supervisor.states[-1]["tasks"] == {"done": 6, "failed": 0, "total": 6}


async def test_many_waits_write_one_by_one_and_wait_for_none_of_it(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[int] = []
    real, under_way = supervisor.asend, [0]

    async def slow(message: Any) -> Any:
        if not isinstance(message, SetXCom):
            return await real(message)
        under_way[0] += 1
        at_once.append(under_way[0])
        await asyncio.sleep(0.05)
        under_way[0] -= 1
        return await real(message)

    monkeypatch.setattr(supervisor, "asend", slow)
    waits = [
        asyncio.ensure_future(events(watched(begun.making(), [], monkeypatch))) for _ in range(20)
    ]
    turns = iter(range(10**9))
    async with asyncio.timeout(60):
        while not all(wait.done() for wait in waits):
            if next(turns) == 10:
                begun.gateway.complete_transformation(begun.make)
            await asyncio.sleep(0.01)
    assert set(at_once) == {1}
    assert supervisor.kept["state"]["kind"] == "ended"


async def test_while_the_grid_is_down_that_is_its_state(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(is_down: bool) -> Callable[[], None]:
        return lambda: setattr(begun.grid, "down", is_down)

    meanwhile = once(
        (lambda: bool(supervisor.states), down(True)),
        (lambda: supervisor.kinds[-1] == "outage", down(False)),
        (lambda: supervisor.kinds[-1] == "waiting", completing(begun)),
    )
    await events(watched(begun.making(), [], monkeypatch), meanwhile)
    assert supervisor.kinds == ["waiting", "outage", "waiting", "ended"]
    assert "make waits for the grid since" in supervisor.states[1]["line"]
    assert "Can't connect to Transformation" in supervisor.states[1]["line"]
    assert supervisor.states[1]["status"] == "Active"


async def test_a_task_that_met_an_outage_says_so_and_that_it_is_over(
    grid: MemoryGrid, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid.down = True
    meanwhile = once((lambda: bool(supervisor.states), lambda: setattr(grid, "down", False)))
    await events(watched(DiracGatewayTrigger(), [], monkeypatch), meanwhile)
    assert supervisor.kinds == ["outage", "waiting"]
    assert "make.wait waits for the grid since" in supervisor.states[0]["line"]


async def test_a_failing_step_says_why_where_and_which_jobs_at_once(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    begun.grid.fails = lambda task: task.id in (1, 2)
    trigger = watched(begun.making(), lines, monkeypatch)
    (event,) = await events(trigger, lambda: begun.grid.advance(3))
    assert event["kind"] == "fail"
    (line,) = [line for line in lines if "! failing: " in line]
    jobs = sorted(begun.gateway.tasks(begun.make)[number].job for number in (1, 2))
    assert line.startswith("! failing: 2 jobs failed: ")
    assert f"(jobs {jobs[0]}, {jobs[1]})" in line
    assert "Application Finished With Errors" in line
    assert " at LCG.Memory.org" in line
    assert supervisor.states[-1]["tasks"]["failed"] == 2


async def test_the_next_log_begins_with_the_lines_before(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.grid.advance(200)
    first: list[str] = []
    (event,) = await events(
        watched(begun.merging(), first, monkeypatch), lambda: begun.grid.advance(1)
    )
    assert event["kind"] == "flush"
    assert not any("this wait so far" in line for line in first)
    assert "lines" not in event["story"]
    second: list[str] = []
    again = begun.merging(story=event["story"], history=event["history"])
    await events(watched(again, second, monkeypatch), lambda: begun.grid.advance(1))
    assert "this wait so far" in second[0]
    for line in first:
        assert any(line.removeprefix("! ") in again for again in second[1:])


async def test_where_nothing_can_be_written_the_wait_goes_on_and_says_so_once(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.down = True
    lines: list[str] = []
    (event,) = await events(
        watched(begun.making(), lines, monkeypatch), lambda: begun.grid.advance(3)
    )
    assert event["kind"] == "complete"
    assert len([line for line in lines if "is in the log alone" in line]) == 1


async def test_who_stopped_it_is_not_waited_for(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    begun.gateway.stop_transformation(begun.make)
    fault = begun.grid.fault("unavailable", "getTransformationLogging", times=10**6)
    meanwhile = once(
        (lambda: "stopped" in supervisor.kinds, lambda: setattr(fault, "times", 0)),
        (lambda: any("is Stopped by memory" in line for line in lines), completing(begun)),
    )
    await events(watched(begun.making(), lines, monkeypatch), meanwhile)
    assert len([line for line in lines if "the state of the step is not complete" in line]) == 1


async def test_a_worker_is_woken_for_a_stop_and_not_again_soon(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_as(begun, "alice", "why")
    stored = Story(stored="waiting")
    trigger = watched(begun.making(story=stored.to_dict()), [], monkeypatch)
    (event,) = await events(trigger)
    assert event["kind"] == "state"
    assert "Stopped by alice" in event["reason"]
    for story, wakes in (
        ({**event["story"]}, False),  # a worker was woken, and has not written it
        ({**event["story"], "stored": "stopped"}, False),
        ({**event["story"], "woken": {"stopped": time.time() - 700}}, True),
    ):
        again = watched(begun.making(story=story), [], monkeypatch)
        waiting = asyncio.ensure_future(events(again))
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert bool(done) == wakes
        waiting.cancel()


async def test_a_worker_is_woken_for_the_state_alone_only_when_airflow_knows_that_the_last_is_gone(
    begun: Begun, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_as(begun, "alice", "why")
    stored = Story(stored="waiting").to_dict()
    monkeypatch.setattr(event_time, "UNHURRIED_SECONDS", 0.4)
    deferred = time.time()
    trigger = begun.making(story=stored, not_before=deferred + 0.1)
    (event,) = await events(watched(trigger, [], monkeypatch))
    assert event["kind"] == "state"
    assert time.time() >= deferred + 0.5


class Running:
    """A task instance with XComs, as a worker has it."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, **_: Any) -> None:
        return None


@pytest.fixture
def sensor(running: Production) -> DiracTransformationSensor:
    return DiracTransformationSensor(
        task_id="wait_for_completion", production=running, step="merge"
    )


def deferral(call: Any, *args: Any) -> Any:
    with pytest.raises(TaskDeferred) as caught:
        call(*args)
    return caught.value.trigger


def test_a_worker_keeps_the_state_that_the_grid_has(
    sensor: DiracTransformationSensor, gateway: MemoryGateway, context: dict[str, Any]
) -> None:
    context["ti"] = Running()
    trigger = deferral(sensor.work, context, {})
    kept = context["task_state_store"]["state"]
    seen = gateway.snapshot([2])[2]
    assert kept == context["ti"].pushed["state"]
    assert kept["status"] == seen.status
    assert kept["files"]["total"] == sum(seen.files.values())
    assert kept["line"].startswith("merge ")
    assert trigger.step == "merge"
    assert Story.from_dict(trigger.story).stored == "waiting"


def test_a_worker_that_comes_for_the_state_keeps_who_stopped_it_and_waits_on(
    sensor: DiracTransformationSensor,
    grid: MemoryGrid,
    gateway: MemoryGateway,
    context: dict[str, Any],
) -> None:
    grid.author = "alice"
    gateway.stop_transformation(2)
    event = {"kind": "state", "reason": "x", "snapshot": gateway.snapshot([2])[2].to_dict()}
    trigger = deferral(sensor.resume, context, event)
    assert "merge Stopped by alice since" in context["task_state_store"]["state"]["line"]
    assert Story.from_dict(trigger.story).stored == "stopped"


@pytest.mark.parametrize("kind", ["asks", "stalled"])
def test_a_worker_keeps_a_state_that_only_the_policy_can_find_though_files_failed(
    sensor: DiracTransformationSensor,
    grid: MemoryGrid,
    gateway: MemoryGateway,
    context: dict[str, Any],
    kind: StateKind,
) -> None:
    """Else its trigger would wake it once more, just when a person answers."""
    file = next(iter(grid.transformations[2].files.values()))
    file.status = FileStatus.MAX_RESET
    story = Story(state=State(kind, "merge: because", "Active")).to_dict()
    snapshot = gateway.snapshot([2])[2].to_dict()
    event = {"kind": "ask", "reason": "x", "snapshot": snapshot, "story": story}
    trigger = deferral(sensor.resume, context, event)
    assert Story.from_dict(trigger.story).stored == kind


def test_a_store_that_takes_nothing_does_not_stop_the_wait(
    sensor: DiracTransformationSensor, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("full")

    monkeypatch.setattr(context["task_state_store"], "set", refuse)
    assert deferral(sensor.work, context, {}).transformation == 2


def test_the_last_state_of_a_wait_is_kept_and_the_hint_goes_by_the_cause(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    context: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    grid.fails = lambda task: task.transformation == 2
    sensor: DiracTransformationSensor = request.getfixturevalue("sensor")
    context["ti"] = Running()
    last = State("failed", "merge failed: because", "Active")
    event = {
        "kind": "fail",
        "reason": "because",
        "snapshot": gateway.snapshot([2])[2].to_dict(),
        "story": Story(state=last).to_dict(),
    }
    with pytest.raises(AirflowFailException, match="because; 2 jobs failed: Application") as caught:
        sensor.resume(context, event)
    assert context["task_state_store"]["state"]["line"] == "merge failed: because"
    assert "mend the arguments or the program in the file" in str(caught.value)
