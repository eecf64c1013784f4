"""A wait that asks: one question, the answer carried out, and DIRAC watched all the while."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import HITLDetailResponse, HITLUser
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.execution_time import hitl

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.policy import questions
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]
MANUAL = TWO_STEPS.replace(
    "    group_size: 4\n", "    group_size: 4\n    policy: {flush: manual}\n"
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The questions that Airflow gets."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: asked.append(question))
    return asked


@pytest.fixture
def sensor(grid: MemoryGrid, context: Context) -> DiracTransformationSensor:
    """Waiting for a step whose two left-over files a person is to flush."""
    production = load_production(MANUAL, "f")
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            act(task_id="t", production=production, step=step).work(context, {})
    grid.advance(200)
    context["ti"] = SimpleNamespace(
        id="0000", xcom_push=lambda **_: None, xcom_pull=lambda **_: None
    )
    return DiracTransformationSensor(task_id="process", production=production, step="merge")


def deferral(call: Any, *args: Any, **more: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        call(*args, **more)
    return caught.value


def fired(wait: TaskDeferred, grid: MemoryGrid) -> dict[str, Any]:
    """The event of its trigger."""

    async def first() -> dict[str, Any]:
        async def collect() -> Any:
            return [event.payload async for event in wait.trigger.run()]  # type: ignore[attr-defined]

        task = asyncio.ensure_future(collect())
        async with asyncio.timeout(60):
            while not task.done():
                grid.advance(1)
                await asyncio.sleep(0.005)
        return dict(task.result()[0])

    return asyncio.run(first())


def next_attempt(wait: TaskDeferred, number: int) -> TaskDeferred:
    """The same wait, as the trigger of a later attempt has it."""
    wait.trigger.task_instance = SimpleNamespace(  # type: ignore[attr-defined]
        id="0000", try_number=number, dag_id="d", run_id="r", task_id="t", map_index=-1
    )
    return wait


def in_airflow(monkeypatch: pytest.MonkeyPatch, option: str | None) -> None:
    """Let Airflow's database hold an answer, or a question without one."""
    user = HITLUser(id="ada", name="ada")
    response = HITLDetailResponse(
        response_received=option is not None,
        responded_by_user=user if option else None,
        responded_at=None,
        chosen_options=[option] if option else None,
    )
    monkeypatch.setattr(hitl, "get_hitl_detail_content_detail", lambda **_: response)


def answered(option: str) -> dict[str, Any]:
    """The event that Airflow makes of an answer."""
    user = {"id": "ada", "name": "ada"}
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": user}


def resumed(sensor: Any, context: Context, wait: TaskDeferred, event: dict[str, Any]) -> Any:
    return deferral(sensor.resume, context, event=event, **wait.kwargs)


def test_a_manual_flush_is_asked_once_and_done_by_the_answer(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context, asked: list[Any]
) -> None:
    wait = deferral(sensor.work, context, {})
    event = fired(wait, grid)
    assert event["kind"] == "ask"
    wait = resumed(sensor, context, wait, event)
    (question,) = asked
    assert question["options"][0] == "Flush"
    assert question["defaults"] == ["Wait on"] == question["options"][-1:]
    assert "2 of 6 files are Unused" in question["body"]
    assert wait.trigger.asks is False  # type: ignore[attr-defined]

    wait = resumed(sensor, context, wait, answered(questions.FLUSH))
    assert str(grid.transformations[2].status) == "Flush"
    event = fired(wait, grid)
    assert (event["kind"], len(asked)) == ("complete", 1)
    assert event["history"]["flushes"] == 1


def test_a_flush_in_dirac_counts_as_well_while_the_question_stands(
    grid: MemoryGrid,
    gateway: MemoryGateway,
    sensor: DiracTransformationSensor,
    context: Context,
    asked: list[Any],
) -> None:
    wait = deferral(sensor.work, context, {})
    wait = resumed(sensor, context, wait, fired(wait, grid))
    gateway.flush_transformation(2)
    assert fired(wait, grid)["kind"] == "complete"
    assert len(asked) == 1


def test_who_says_wait_on_is_not_asked_again(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context, asked: list[Any]
) -> None:
    wait = deferral(sensor.work, context, {})
    wait = resumed(sensor, context, wait, fired(wait, grid))
    wait = resumed(sensor, context, wait, answered(questions.WAIT))
    assert wait.trigger.asks is False  # type: ignore[attr-defined]
    assert str(grid.transformations[2].status) == "Active"


def test_an_answer_that_fits_no_more_does_nothing_and_one_is_asked_anew(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context, asked: list[Any]
) -> None:
    wait = deferral(sensor.work, context, {})
    wait = resumed(sensor, context, wait, fired(wait, grid))
    wait = resumed(sensor, context, wait, answered(questions.RETRY))
    assert {str(f.status) for f in grid.transformations[2].files.values()} <= {
        "Unused",
        "Processed",
    }
    assert wait.trigger.asks is True  # type: ignore[attr-defined]


def test_giving_up_is_remembered_for_the_rest_of_the_wait(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context, asked: list[Any]
) -> None:
    sensor.rules = None
    wait = deferral(sensor.work, context, {})
    wait = resumed(sensor, context, wait, answered(questions.GIVE_UP))
    wait = resumed(sensor, context, wait, fired(wait, grid))
    assert wait.kwargs["kept"]["option"] == questions.GIVE_UP


def test_an_outage_after_the_answer_lets_it_be_asked_again(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context, asked: list[Any]
) -> None:
    wait = deferral(sensor.work, context, {})
    wait = resumed(sensor, context, wait, fired(wait, grid))
    sensor.outage_patience = 0.0
    grid.down = True
    down = resumed(sensor, context, wait, answered(questions.FLUSH))
    grid.down = False
    event = {"kind": "reachable", "reason": "", "state": down.trigger.state}  # type: ignore[attr-defined]
    wait = deferral(sensor.after_outage, context, event)
    assert fired(wait, grid)["kind"] == "ask"


def test_where_nobody_can_be_asked_the_wait_goes_on(
    grid: MemoryGrid,
    sensor: DiracTransformationSensor,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_question: Any) -> None:
        raise RuntimeError("no Airflow")

    monkeypatch.setattr(hitl, "upsert_hitl_detail", fail)
    wait = deferral(sensor.work, context, {})
    wait = resumed(sensor, context, wait, fired(wait, grid))
    assert wait.trigger.asks is False  # type: ignore[attr-defined]


def test_an_answer_outlives_the_attempt_that_it_was_given_to(
    grid: MemoryGrid,
    sensor: DiracTransformationSensor,
    context: Context,
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_airflow(monkeypatch, questions.FLUSH)
    wait = next_attempt(deferral(sensor.work, context, {}), 2)
    wait = resumed(sensor, context, wait, fired(wait, grid))
    assert str(grid.transformations[2].status) == "Flush"
    assert asked == []
    event = fired(wait, grid)
    assert (event["kind"], event["history"]["flushes"]) == ("complete", 1)


def test_an_answer_is_carried_out_once(
    grid: MemoryGrid,
    sensor: DiracTransformationSensor,
    context: Context,
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it did was not enough, so a person is asked anew."""
    in_airflow(monkeypatch, questions.RETRY)
    wait = next_attempt(deferral(sensor.work, context, {}), 2)
    wait = next_attempt(resumed(sensor, context, wait, fired(wait, grid)), 2)
    assert asked == []
    resumed(sensor, context, wait, fired(wait, grid))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("attempt", "option"), [(1, questions.FLUSH), (2, questions.WAIT), (2, None)]
)
def test_other_attempts_ask(
    grid: MemoryGrid,
    sensor: DiracTransformationSensor,
    context: Context,
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    attempt: int,
    option: str | None,
) -> None:
    in_airflow(monkeypatch, option)
    wait = next_attempt(deferral(sensor.work, context, {}), attempt)
    wait = resumed(sensor, context, wait, fired(wait, grid))
    assert len(asked) == 1
    assert str(grid.transformations[2].status) == "Active"
