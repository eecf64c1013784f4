"""The report at the end of a run, whatever way it ended."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production import Production
from dirac_prodsys.gateway.memory_grid import MemoryGrid
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.final import DiracProductionReportOperator
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.registry import DiracRegisterProductionOperator
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]


class TaskInstance:
    """What a task's XComs go to."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def ti(context: Context) -> TaskInstance:
    context["ti"] = TaskInstance()
    return context["ti"]


def act(operator: type, production: Production, context: Context, step: str) -> None:
    operator(task_id="t", production=production, step=step).work(context, {})


def test_it_reports_all_steps_made_or_not(
    grid: MemoryGrid, production: Production, context: Context, ti: TaskInstance
) -> None:
    act(DiracCreateTransformationOperator, production, context, "make")
    act(DiracStartTransformationOperator, production, context, "make")
    grid.advance(200)
    DiracProductionReportOperator(task_id="report", production=production).work(context, {})
    report = ti.pushed["production_report"]
    assert [(s["step"], s["status"]) for s in report["steps"]] == [
        ("make", "Active"),
        ("merge", ""),
    ]
    assert report["steps"][0]["jobs"]["statuses"] == {"Done": 6}
    assert "not made" in report["text"]
    assert "<table>" in report["html"]


def test_diracs_registry_follows_the_members(
    grid: MemoryGrid, production: Production, context: Context, ti: TaskInstance
) -> None:
    report = DiracProductionReportOperator(task_id="report", production=production)
    for step in ("make", "merge"):
        act(DiracCreateTransformationOperator, production, context, step)
    DiracRegisterProductionOperator(task_id="register", production=production).work(context, {})
    report.work(context, {})
    (entry,) = grid.productions.values()
    assert entry.row["Status"] == "Active"
    for step in ("make", "merge"):
        act(DiracCompleteTransformationOperator, production, context, step)
    report.work(context, {})
    assert entry.row["Status"] == "Completed"


def test_without_the_registry_there_is_the_report_all_the_same(
    grid: MemoryGrid, production: Production, context: Context, ti: TaskInstance
) -> None:
    grid.fault("unavailable", "getProduction")
    DiracProductionReportOperator(task_id="report", production=production).work(context, {})
    assert "production_report" in ti.pushed


def test_it_comes_last_and_decides_nothing_about_the_run() -> None:
    dag = build_dag(load_production(TWO_STEPS, "two.yaml"))
    report = dag.get_task("report")
    assert report.is_teardown
    assert not report.on_failure_fail_dagrun
    assert report.upstream_task_ids == {"begin", "on_cancel", "outcome"}
    assert not report.downstream_task_ids
