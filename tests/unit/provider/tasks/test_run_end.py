"""The end of a run: what did not complete is stopped, left or cleaned, however often tried."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.tasks import run_end
from dirac_prodsys.provider.tasks.run_end import DiracEndRunOperator, preview
from dirac_prodsys.provider.triggers import DiracGatewayTrigger
from tests.unit.provider.conftest import TWO_STEPS

Context = dict[str, Any]

FAILED = {"make.wait_for_completion": "failed", "finish.on_cancel": "running"}


class Run:
    """A run of a production whose tasks are in the states that a test gives them."""

    def __init__(self, context: Context, states: dict[str, str]) -> None:
        self.context = context
        self.states = states

    def of(self, text: str) -> DAG:
        production = load_production(text, "two.yaml")
        for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
            for step in ("make", "merge"):
                act(task_id="t", production=production, step=step).work(self.context, {})
        dag = build_dag(production)
        self.context["dag"] = dag
        return dag

    def end(self, dag: DAG) -> dict[str, str]:
        task = dag.get_task("finish.on_cancel")
        assert isinstance(task, DiracEndRunOperator)
        task.outage_patience = 0
        return task.work(self.context, {})


@pytest.fixture
def ended(grid: MemoryGrid, context: Context, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run in which a task failed."""
    run = Run(context, dict(FAILED))
    monkeypatch.setattr(run_end, "task_states", lambda *_: run.states)
    return run


def statuses(grid: MemoryGrid) -> list[str]:
    return [t.status for t in grid.transformations.values()]


def says(word: str, *, of_step: bool = False) -> str:
    if of_step:
        return TWO_STEPS.replace("    tasks: 6\n", f"    tasks: 6\n    on_cancel: {word}\n")
    return TWO_STEPS.replace("tags: [demo]", f"tags: [demo], on_cancel: {word}")


CLEAN = "{action: clean, confirm: true}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TWO_STEPS, ["Stopped", "Stopped"]),
        (says("leave"), ["Active", "Active"]),
        (says("leave", of_step=True), ["Active", "Stopped"]),
        (says(CLEAN), ["Cleaning", "Cleaning"]),
        (says(CLEAN, of_step=True), ["Cleaning", "Stopped"]),
    ],
)
def test_a_run_that_failed_leaves_what_it_says(
    ended: Run, grid: MemoryGrid, text: str, expected: list[str]
) -> None:
    dag = ended.of(text)
    first = ended.end(dag)
    assert statuses(grid) == expected
    assert ended.end(dag).keys() == first.keys() == {"make", "merge"}
    assert statuses(grid) == expected


def test_in_a_run_that_completed_it_is_skipped_and_nothing_is_touched(
    ended: Run, grid: MemoryGrid
) -> None:
    dag = ended.of(says(CLEAN))
    ended.states = dict.fromkeys(dag.task_ids, "success")
    grid.down = True  # nor does anybody wait for DIRAC
    with pytest.raises(AirflowSkipException, match="the run completed"):
        ended.end(dag)
    assert statuses(grid) == ["Active", "Active"]


def test_a_run_is_complete_by_its_last_tasks_whatever_became_of_another(
    ended: Run, grid: MemoryGrid
) -> None:
    dag = ended.of(says(CLEAN))
    ended.states = {**dict.fromkeys(dag.task_ids, "success"), "prepare.register": "failed"}
    ended.states["finish.on_cancel"] = "running"
    with pytest.raises(AirflowSkipException, match="the run completed"):
        ended.end(dag)
    ended.states["merge.create_dataset"] = "failed"
    assert ended.end(dag) == {"make": "clean", "merge": "clean"}


def test_a_run_marked_as_success_is_stopped_and_keeps_its_files(
    ended: Run, grid: MemoryGrid
) -> None:
    dag = ended.of(says(CLEAN))
    ended.states = {**dict.fromkeys(dag.task_ids, "skipped"), "finish.on_cancel": "running"}
    assert ended.end(dag) == {"make": "stop", "merge": "stop"}
    assert statuses(grid) == ["Stopped", "Stopped"]


def test_what_completed_is_kept_and_only_the_rest_goes(
    ended: Run, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    dag = ended.of(says(CLEAN))
    gateway.complete_transformation(1)
    assert ended.end(dag) == {"make": "nothing", "merge": "clean"}
    assert statuses(grid) == ["Completed", "Cleaning"]


def test_other_runs_and_other_peoples_transformations_are_not_touched(
    ended: Run, grid: MemoryGrid, context: Context, production: Production
) -> None:
    dag = ended.of(says(CLEAN))
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        other = {**context, "run_id": "r2"}
        act(task_id="t", production=production, step="make").work(other, {})
    ended.end(dag)
    assert statuses(grid) == ["Cleaning", "Cleaning", "Active"]


@pytest.mark.parametrize(
    ("known", "reported"),
    [
        (True, ["6 files of 6000000 bytes carry its ID, and go"]),
        (
            False,
            ["0 files of 0 bytes carry its ID, and go", "6 files of its output do not, and stay"],
        ),
    ],
    ids=["files know the field of the ID", "they do not"],
)
def test_cleaning_tells_what_it_is_about(
    ended: Run,
    grid: MemoryGrid,
    gateway: MemoryGateway,
    production: Production,
    known: bool,
    reported: list[str],
) -> None:
    if not known:
        del grid.catalogue.file_fields["TransformationID"]
    ended.of(TWO_STEPS)
    grid.advance(100)
    spec = compile(production, run="r1").step("make").transformation
    assert preview(gateway, 1, spec) == [
        "cleaning transformation 1 two__r1__make",
        *reported,
        "/sim/two/r1/make holds 6 files, 6000000 bytes",
    ]


@pytest.mark.parametrize("kind", ["crash", "crash_after"])
@pytest.mark.parametrize("text", [TWO_STEPS, says(CLEAN)])
def test_killed_at_every_call_and_begun_anew_it_ends_alike(
    ended: Run, grid: MemoryGrid, gateway: MemoryGateway, kind: str, text: str
) -> None:
    dag = ended.of(text)
    for call in range(100):
        fault = grid.fault(kind, after=call)
        try:
            ended.end(dag)
            break
        except Crash:
            continue
    assert fault.times == 1
    fault.times = 0
    assert len(set(statuses(grid))) == 1
    for number in (1, 2):
        assert len(gateway.status_changes(number)) == 2  # Active, and one more


def test_an_outage_defers_it_and_it_begins_anew(ended: Run, grid: MemoryGrid) -> None:
    dag = ended.of(TWO_STEPS)
    grid.down = True
    with pytest.raises(TaskDeferred) as caught:
        ended.end(dag)
    assert isinstance(caught.value.trigger, DiracGatewayTrigger)
    grid.down = False
    task = dag.get_task("finish.on_cancel")
    back = {"kind": "reachable", "state": caught.value.trigger.state}
    assert task.after_outage(ended.context, back) == {"make": "stop", "merge": "stop"}


def test_an_old_attempt_of_a_run_that_was_cleared_does_nothing(
    ended: Run, grid: MemoryGrid
) -> None:
    dag = ended.of(TWO_STEPS)
    ended.states["finish.on_cancel"] = "restarting"
    with pytest.raises(AirflowSkipException, match="restarting"):
        ended.end(dag)
    assert statuses(grid) == ["Active", "Active"]


def test_a_stop_that_an_agent_may_undo_is_looked_at_again(
    ended: Run, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    dag = ended.of(TWO_STEPS)
    grid.serve_setTransformationParameter(2, "Status", "Flush")
    with pytest.raises(TaskDeferred) as caught:
        ended.end(dag)
    assert statuses(grid) == ["Stopped", "Stopped"]
    grid.serve_setTransformationParameter(2, "Status", "Active")
    back = {"kind": "reachable", "state": {**caught.value.trigger.state, "until": 0}}
    done = dag.get_task("finish.on_cancel").after_outage(ended.context, back)
    assert done == {"make": "stop", "merge": "stop"}
    assert statuses(grid) == ["Stopped", "Stopped"]


def test_the_end_stands_behind_everything_and_one_task_decides_about_the_run() -> None:
    dag = build_dag(load_production(TWO_STEPS.replace("merge", "finish"), "two.yaml"))
    begin, cancel, report = (
        dag.get_task(name) for name in ("prepare.begin", "finish_.on_cancel", "finish_.report")
    )
    every = set(dag.task_ids)
    assert "finish.start" in every
    assert begin.is_setup
    assert not begin.upstream_task_ids
    assert begin.get_flat_relative_ids(upstream=False) == every - {begin.task_id}
    assert cancel.get_flat_relative_ids(upstream=True) == every - {cancel.task_id, report.task_id}
    assert report.get_flat_relative_ids(upstream=True) == every - {report.task_id}
    assert not report.downstream_task_ids
    for end in (cancel, report):
        assert end.is_teardown
        assert begin.task_id in end.upstream_task_ids
        assert end.last == ("finish.create_dataset",)
    assert not cancel.on_failure_fail_dagrun
    assert report.on_failure_fail_dagrun
