"""The first and the last task of ``prepare``: the run's values, and whether all is created."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.tasks import preparing
from dirac_prodsys.provider.tasks.preparing import DiracBeginRunOperator, DiracVerifyOperator
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]

LOOP = (Path(__file__).parents[3] / "productions" / "good" / "loop.yaml").read_text()
TASKS = {"make": "prepare.create.make", "merge": "prepare.create.merge"}


@pytest.fixture(autouse=True)
def states(context: Context, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What Airflow says of the tasks that create."""
    states: dict[str, str | None] = dict.fromkeys(TASKS.values(), "success")
    context["dag"] = SimpleNamespace(dag_id="two")

    def answer(dag_id: str, run_id: str, tasks: list[str]) -> dict[str, str | None]:
        assert (dag_id, run_id) == ("two", "r1")
        return {task: state for task, state in states.items() if task in tasks}

    monkeypatch.setattr(preparing, "task_states", answer)
    return states


@pytest.fixture
def verify(production: Production) -> DiracVerifyOperator:
    return DiracVerifyOperator(task_id="verify", production=production, created=TASKS, late=())


def create(production: Production, context: Context, *steps: str) -> None:
    for step in steps:
        task = DiracCreateTransformationOperator(task_id="t", production=production, step=step)
        task.work(context, {})


def test_it_tells_the_transformation_of_each_step(
    grid: MemoryGrid, production: Production, verify: DiracVerifyOperator, context: Context
) -> None:
    create(production, context, "make", "merge")
    assert verify.work(context, {}) == {"created": {"make": 1, "merge": 2}, "later": []}
    assert {t.status for t in grid.transformations.values()} == {"New"}


def test_a_production_with_datasets_does_not_start_where_none_can_be_made(
    grid: MemoryGrid, production: Production, verify: DiracVerifyOperator, context: Context
) -> None:
    create(production, context, "make", "merge")
    grid.version = "v9.0.28"
    with pytest.raises(AirflowFailException, match=r"nothing starts: .* DIRAC 9\.0\.28 cannot"):
        verify.work(context, {})
    grid.version = "v9.1.22"
    assert verify.work(context, {})["created"] == {"make": 1, "merge": 2}


def test_a_production_without_datasets_starts_there(
    grid: MemoryGrid, context: Context, states: dict[str, str | None]
) -> None:
    plain = load_production(re.sub(r"(?m)^ *dataset:.*\n", "", TWO_STEPS), "two.yaml")
    assert not any(step.dataset for step in compile(plain, run="r1").steps)
    create(plain, context, "make", "merge")
    grid.version = "v9.0.28"
    verify = DiracVerifyOperator(task_id="verify", production=plain, created=TASKS, late=())
    assert verify.work(context, {})["created"] == {"make": 1, "merge": 2}


@pytest.mark.parametrize("state", ["failed", "upstream_failed", "skipped", "running", None])
def test_it_fails_when_a_task_that_creates_did_not_succeed(
    grid: MemoryGrid,
    production: Production,
    verify: DiracVerifyOperator,
    context: Context,
    states: dict[str, str | None],
    state: str | None,
) -> None:
    create(production, context, "make", "merge")
    states["prepare.create.merge"] = state
    with pytest.raises(AirflowFailException, match="nothing starts: ") as caught:
        verify.work(context, {})
    assert f"prepare.create.merge is {state}" in str(caught.value)
    assert "prepare.create.make is" not in str(caught.value)
    assert "hint: mend what the tasks in 'create' say" in str(caught.value)


def test_it_fails_when_airflow_knows_nothing_of_a_task(
    grid: MemoryGrid,
    production: Production,
    verify: DiracVerifyOperator,
    context: Context,
    states: dict[str, str | None],
) -> None:
    create(production, context, "make", "merge")
    del states["prepare.create.make"]
    with pytest.raises(AirflowFailException, match=r"prepare\.create\.make is None"):
        verify.work(context, {})


def test_it_fails_when_a_transformation_is_not_on_the_grid(
    grid: MemoryGrid, production: Production, verify: DiracVerifyOperator, context: Context
) -> None:
    create(production, context, "make", "merge")
    grid.serve_deleteTransformation(2)
    with pytest.raises(AirflowFailException, match="the grid has no two__r1__merge") as caught:
        verify.work(context, {})
    assert "two__r1__make" not in str(caught.value)
    assert "hint" in str(caught.value)


def test_it_goes_by_the_newest_transformation_of_a_step(
    grid: MemoryGrid, production: Production, verify: DiracVerifyOperator, context: Context
) -> None:
    create(production, context, "make", "merge")
    grid.serve_setTransformationParameter(1, "Status", "Cleaned")
    DiracStartTransformationOperator(task_id="s", production=production, step="make").work(
        context, {}
    )
    assert verify.work(context, {})["created"] == {"make": 3, "merge": 2}


def test_an_outage_is_waited_out(
    grid: MemoryGrid, production: Production, verify: DiracVerifyOperator, context: Context
) -> None:
    create(production, context, "make", "merge")
    verify.outage_patience = 0
    grid.down = True
    with pytest.raises(TaskDeferred):
        verify.work(context, {})
    grid.down = False
    back = verify.after_outage(context, {"kind": "reachable", "state": {}})
    assert back["created"] == {"make": 1, "merge": 2}


def test_steps_that_are_created_later_are_listed_and_not_asked_for(
    grid: MemoryGrid, context: Context, states: dict[str, str | None]
) -> None:
    dag = build_dag(load_production(LOOP, "loop.yaml"))
    verify = dag.get_task("prepare.verify")
    assert isinstance(verify, DiracVerifyOperator)
    assert set(verify.created) == {"simulate", "train.1", "test.1"}
    states |= dict.fromkeys(verify.created.values(), "success")
    create(load_production(LOOP, "loop.yaml"), context, *verify.created)
    found = verify.work(context, {})
    assert found["created"] == {"simulate": 1, "train.1": 2, "test.1": 3}
    assert sorted(found["later"]) == ["apply", "test.2", "test.3", "train.2", "train.3"]


def test_the_run_begins_with_its_tag_and_its_values_and_needs_no_grid(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    grid.down = True
    begin = DiracBeginRunOperator(task_id="begin", production=production)
    context |= {"run_id": "manual__2026-11-29T04:00:00+00:00", "params": {"events": 7}}
    values = begin.work(context, {})
    tag = run_tag("manual__2026-11-29T04:00:00+00:00")
    assert values == {"tag": tag, "parameters": {"events": 7}}


def test_a_run_without_values_begins_too(production: Production, context: Context) -> None:
    begin = DiracBeginRunOperator(task_id="begin", production=production)
    assert begin.work(context, {}) == {"tag": "r1", "parameters": {}}


@pytest.mark.parametrize("state", ["failed", "awaiting_input", None])
def test_nothing_starts_when_nobody_agrees_after_all(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    states: dict[str, str | None],
    state: str | None,
) -> None:
    """The approval was cleared alone, while a create went on."""
    create(production, context, "make", "merge")
    states["prepare.approve"] = state
    verify = DiracVerifyOperator(
        task_id="v", production=production, created=TASKS, late=(), approval="prepare.approve"
    )
    with pytest.raises(AirflowFailException, match=f"nothing starts: prepare.approve is {state}"):
        verify.work(context, {})
    states["prepare.approve"] = "success"
    verify.work(context, {})


def test_the_dag_tells_who_agrees() -> None:
    text = LOOP.replace("vo: sim", "vo: sim, approval: {subject: May it run?}", 1)
    for given, task in ((LOOP, ""), (text, "prepare.approve")):
        verify: Any = build_dag(load_production(given, "p.yaml")).get_task("prepare.verify")
        assert verify.approval == task


def test_the_beginning_marks_the_values_that_nobody_gave(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = "parameters: {n: {type: int, default: 3}, fast: {type: boolean, default: true}}"
    text = TWO_STEPS.replace("steps:\n", f"{parameters}\nsteps:\n", 1)
    begin = DiracBeginRunOperator(task_id="begin", production=load_production(text, "f"))
    context["params"] = {"n": 50, "fast": True, "odd": [1]}
    lines: list[str] = []
    monkeypatch.setattr(begin.log, "info", lambda text, *a: lines.append(text % a))
    begin.work(context, {})
    assert lines == ["run r1, tag r1; parameters: fast = true (default), n = 50, odd = [1]"]


def test_no_run_of_a_retired_production_begins(production: Production, context: Context) -> None:
    begin = DiracBeginRunOperator(task_id="begin", production=production, retired=True)
    with pytest.raises(AirflowFailException, match="production two is retired") as caught:
        begin.work(context, {})
    assert "hint: the page of this DAG says why" in str(caught.value)
