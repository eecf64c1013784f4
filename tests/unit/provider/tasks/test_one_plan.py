"""A task compiles the production once in an attempt, and again for another attempt or answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import TaskAwaitingInput, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.plan import compile as compiling
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.people.approval import DiracApprovalOperator
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]

TAKES = """version: 1
production: {name: takes, vo: sim}
steps:
  merge:
    type: Merging
    input: {dataset: /sim/datasets/old}
    job: {type: script, executable: merge}
"""


@pytest.fixture(autouse=True)
def notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody wants every notice; the mail goes nowhere."""
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_TO", "shift@x.org")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_ON", "flushed,needs_person")


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """How often a call compiles a production."""
    runs: list[str] = []
    real = compiling.try_plan

    def counted(production: Production, run: str, *rest: Any, **more: Any) -> Any:
        runs.append(run)
        return real(production, run, *rest, **more)

    monkeypatch.setattr(compiling, "try_plan", counted)

    def compilations(call: Callable[..., Any], *arguments: Any) -> int:
        runs.clear()
        try:
            call(*arguments)
        except (TaskDeferred, TaskAwaitingInput):
            """It hands the wait on."""
        return len(runs)

    return compilations


def test_no_act_of_a_step_compiles_twice(
    grid: MemoryGrid, production: Production, context: Context, count: Callable[..., int]
) -> None:
    def attempt(act: type, step: str) -> int:
        task = act(task_id="t", production=production, step=step)
        return count(task.execute, {**context})

    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        assert [attempt(act, step) for step in ("make", "merge")] == [1, 1]
    grid.advance(200)
    acts = (DiracFlushTransformationOperator, DiracTransformationSensor)
    assert [attempt(act, "merge") for act in acts] == [1, 1]
    grid.advance(200)
    acts = (DiracCompleteTransformationOperator, DiracCreateDatasetOperator)
    assert [attempt(act, "merge") for act in acts] == [1, 1]


def test_a_start_that_begins_anew_compiles_once(
    running: Production, gateway: MemoryGateway, context: Context, count: Callable[..., int]
) -> None:
    number = gateway.find_transformation("two__r1__make").id
    gateway.clean_transformation(number)
    gateway.grid.advance(200)
    task = DiracStartTransformationOperator(task_id="t", production=running, step="make")
    assert count(task.execute, context) == 1
    assert gateway.find_transformation("two__r1__make__fresh2").status == "Active"


def test_a_start_under_a_quota_compiles_once(
    grid: MemoryGrid,
    production: Production,
    in_bundle: Context,
    site_file: Callable[..., Path],
    count: Callable[..., int],
) -> None:
    site_file("tasks_per_production: 100")
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        task = act(task_id="t", production=production, step="make")
        assert count(task.execute, in_bundle) == 1


def test_a_dataset_that_is_looked_up_costs_one_more(
    gateway: MemoryGateway, context: Context, count: Callable[..., int]
) -> None:
    gateway.grid.catalogue.register("/sim/old/1", particle="gamma")
    gateway.grid.catalogue.file_fields["particle"] = "VARCHAR(128)"
    query = MetaQuery.parse({"particle": "gamma"})
    gateway.create_dataset(DatasetSpec(name="/sim/datasets/old", query=query, freeze=True))
    takes = load_production(TAKES, "takes.yaml")
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        assert count(act(task_id="t", production=takes, step="merge").execute, context) == 2


def test_a_question_compiles_once_though_people_are_notified(
    grid: MemoryGrid,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    count: Callable[..., int],
) -> None:
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **_: None)
    text = TWO_STEPS.replace("vo: sim,", "vo: sim, approval: {subject: 'Run?'},")
    task = DiracApprovalOperator(task_id="approve", production=load_production(text, "f"))
    instance = type("Instance", (), {"id": "0000"})()
    assert count(task.execute, {**context, "task_instance": instance}) == 1


def test_another_attempt_and_another_run_compile_anew(
    grid: MemoryGrid, production: Production, context: Context, count: Callable[..., int]
) -> None:
    task = DiracCreateTransformationOperator(task_id="t", production=production, step="make")
    assert [count(task.execute, {**context}) for _ in range(2)] == [1, 1]
    other = {**context, "run_id": "r2"}
    assert count(task.execute, other) == 1
    assert names_on(grid) == {"two__r1__make", "two__r2__make"}


def names_on(grid: MemoryGrid) -> set[str]:
    return {str(each.row["TransformationName"]) for each in grid.transformations.values()}
