"""The report at the end of a run, whatever way it ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import GatewayDenied, NotFound
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.tasks import run_report
from dirac_prodsys.provider.tasks.registry import DiracRegisterProductionOperator
from dirac_prodsys.provider.tasks.run_report import DiracProductionReportOperator
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]


class TaskInstance:
    """What a task's XComs go to."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}
        self.try_number = 4
        self.max_tries = 3

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def ti(context: Context) -> TaskInstance:
    context["ti"] = TaskInstance()
    return context["ti"]


LAST = ("make.complete", "merge.create_dataset")


@pytest.fixture(autouse=True)
def states(context: Context, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What Airflow says of the run's tasks: it completed."""
    states: dict[str, str | None] = dict.fromkeys(LAST, "success")
    states["finish.report"] = "running"
    context["dag"] = SimpleNamespace(dag_id="two")
    monkeypatch.setattr(run_report, "task_states", lambda *_: states)
    return states


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


@pytest.mark.parametrize(
    ("process", "dataset", "expected"),
    [
        ("success", "success", "completed"),
        # a person marked the run as a success; Airflow skipped what had not begun
        ("success", "skipped", "cut short"),
        # a task on which the production does not depend
        ("failed", "success", "completed"),
        # marked as failed: Airflow 3.3 skips what is behind the tasks that waited
        ("failed", "skipped", None),
        ("failed", "upstream_failed", None),
    ],
)
def test_the_run_is_what_its_tasks_came_to_also_when_airflow_skipped_the_last(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    ti: TaskInstance,
    states: dict[str, str | None],
    process: str,
    dataset: str,
    expected: str | None,
) -> None:
    states |= {"make.wait_for_completion": process, "merge.create_dataset": dataset}
    report = DiracProductionReportOperator(task_id="report", production=production, last=LAST)
    if expected is not None:
        assert report.execute(context) == expected
    else:
        with pytest.raises(AirflowFailException, match=r"make\.wait_for_completion failed"):
            report.execute(context)
    assert "production_report" in ti.pushed  # before it fails


def report_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[Any]:
    asked: list[Any] = []

    def fail(*given: Any) -> None:
        asked.append(given)
        raise error

    monkeypatch.setattr(run_report, "report_on_run", fail)
    return asked


def test_a_report_that_cannot_be_made_changes_nothing_about_the_run(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    ti: TaskInstance,
    states: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = DiracProductionReportOperator(task_id="report", production=production, last=LAST)
    for error in (NotFound("it is gone"), GatewayDenied("proxy expired"), ValueError("a bug")):
        assert report_fails(monkeypatch, error) is not None
        states["merge.create_dataset"] = "success"
        assert report.work(context, {}) == "completed"
        states["merge.create_dataset"] = "failed"
        with pytest.raises(AirflowFailException, match=r"merge\.create_dataset failed"):
            report.work(context, {})
    assert ti.pushed == {}


def test_a_report_that_may_be_made_later_is_tried_again_first(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    ti: TaskInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = DiracProductionReportOperator(task_id="report", production=production, last=LAST)
    asked = report_fails(monkeypatch, GatewayDenied("proxy expired"))
    for ti.try_number in (1, 2, 3):
        with pytest.raises(AirflowException, match="proxy expired") as caught:
            report.work(context, {})
        assert not isinstance(caught.value, AirflowFailException)
    ti.try_number = 4
    assert report.work(context, {}) == "completed"
    assert len(asked) == 4


def test_an_outage_is_waited_out_before_the_run_is_judged(
    grid: MemoryGrid, production: Production, context: Context, ti: TaskInstance
) -> None:
    report = DiracProductionReportOperator(
        task_id="report", production=production, last=LAST, outage_patience=0
    )
    grid.down = True
    with pytest.raises(TaskDeferred):
        report.work(context, {})
    grid.down = False
    assert report.after_outage(context, {"kind": "reachable", "state": {}}) == "completed"
    assert "production_report" in ti.pushed


def test_it_comes_last_and_knows_what_the_run_depends_on() -> None:
    dag = build_dag(load_production(TWO_STEPS, "two.yaml"))
    report = dag.get_task("finish.report")
    assert report.is_teardown
    assert report.on_failure_fail_dagrun
    assert report.upstream_task_ids == {"prepare.begin", "finish.on_cancel"}
    assert not report.downstream_task_ids
    assert report.last == ("merge.create_dataset",)
    assert report.optional == ("prepare.register",)


def test_a_failed_run_says_how_the_steps_stood_whose_waits_failed(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    ti: TaskInstance,
    states: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states |= {"merge.wait_for_input": "failed", "merge.start": "failed"}
    states["merge.create_dataset"] = "upstream_failed"
    kept = {"merge.wait_for_input": {"line": "merge failed: no file is left; 1/3 files"}}
    monkeypatch.setattr(ti, "xcom_pull", lambda task_ids, key: kept.get(task_ids), raising=False)
    task = DiracProductionReportOperator(task_id="report", production=production, last=LAST)
    with pytest.raises(AirflowFailException) as caught:
        task.work(context, {})
    assert str(caught.value).splitlines() == [
        "the run did not complete: merge.start, merge.wait_for_input failed",
        "  merge failed: no file is left; 1/3 files",
    ]
