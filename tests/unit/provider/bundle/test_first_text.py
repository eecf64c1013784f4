"""Without versions of a DAG's file, a task works by the text with which its run began, or not."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.bundle import first_text
from dirac_prodsys.provider.bundle.first_text import KEY, keep_first_text
from dirac_prodsys.provider.dag_builder import build_dag
from tests.unit.provider.conftest import TWO_STEPS

BEGIN = "prepare.begin"
MERGE = TWO_STEPS.index("  merge:")
MORE = TWO_STEPS[MERGE:].replace("merge", "more").replace("datasets/two", "datasets/more")
EDITED = TWO_STEPS.replace("tasks: 6", "tasks: 9").replace("group_size: 4", "group_size: 2")


class Run:
    """A run of the production of ``two.yaml``; its tasks are drawn from any text."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.xcoms: dict[tuple[str, str], Any] = {}

    def begins(self, text: str) -> None:
        self.reaches(BEGIN, text)

    def reaches(self, task_id: str, text: str) -> Any:
        """The task, right before it does its work."""
        dag = build_dag(load_production(text, "two.yaml"))
        keep_first_text(dag)
        task = dag.get_task(task_id).prepare_for_execution()
        self.context: dict[str, Any] = {"ti": _Instance(self, task), "params": dict(self.values)}
        task.pre_execute(self.context)
        return task


class _Instance:
    """What a task asks of Airflow."""

    def __init__(self, run: Run, task: Any) -> None:
        self.run, self.task = run, task

    def xcom_push(self, key: str, value: Any) -> None:
        self.run.xcoms[self.task.task_id, key] = value

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        return self.run.xcoms.get((task_ids, key))


def test_a_task_works_by_the_first_text() -> None:
    run = Run()
    run.begins(TWO_STEPS)
    task = run.reaches("prepare.create.make", EDITED)
    assert task.production.step("make").tasks == 6
    assert task._run_plan.production.step("make").tasks == 6


def test_rules_of_a_step_that_stand_in_its_task_are_those_of_the_first_text() -> None:
    first = TWO_STEPS.replace("input: {from: make}", "input: {from: make}\n    start: {at: 10%}")
    run = Run()
    run.begins(first)
    task = run.reaches("merge.ready_make", first.replace("10%", "90%"))
    assert task.ready_at == 0.1


def test_the_values_of_a_run_are_those_it_began_with() -> None:
    run = Run(energy=5)
    run.begins(TWO_STEPS)
    run.values["energy"] = 7
    run.reaches("prepare.create.make", TWO_STEPS)
    assert run.context["params"] == {"energy": 5}


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        (TWO_STEPS + MORE, "with more."),
        (TWO_STEPS[:MERGE], "without merge."),
        (
            TWO_STEPS.replace("input: {from: make}", "input: {from: make}\n    start: on_complete"),
            "",
        ),
    ],
    ids=["a step more", "a step less", "another order"],
)
def test_a_run_with_another_dag_fails_and_says_why(edited: str, said: str) -> None:
    run = Run()
    run.begins(TWO_STEPS)
    with pytest.raises(AirflowFailException) as raised:
        run.reaches("prepare.create.make", edited)
    assert "two.yaml was edited after this run had begun" in str(raised.value)
    assert said in str(raised.value)
    assert "put back the text" in str(raised.value)
    # with the text back, it goes on
    assert run.reaches("prepare.create.make", TWO_STEPS).production.step("make").tasks == 6


def test_the_last_tasks_of_a_run_fail_as_well() -> None:
    run = Run()
    run.begins(TWO_STEPS)
    for task in ("finish.on_cancel", "finish.report"):
        with pytest.raises(AirflowFailException):
            run.reaches(task, TWO_STEPS[:MERGE])


def test_a_run_of_a_version_that_drew_dags_otherwise_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    run.begins(TWO_STEPS)
    run.xcoms[BEGIN, KEY]["shape"] = 1
    with pytest.raises(AirflowFailException, match="a version that drew DAGs otherwise"):
        run.reaches("prepare.create.make", TWO_STEPS)


def test_a_run_whose_first_task_was_marked_as_done_takes_the_text_that_there_is() -> None:
    assert Run().reaches("prepare.create.make", EDITED).production.step("make").tasks == 9


def test_each_try_of_the_first_task_begins_with_the_text_that_there_is() -> None:
    run = Run()
    run.begins(TWO_STEPS)
    run.begins(EDITED)
    assert run.reaches("prepare.create.make", TWO_STEPS).production.step("make").tasks == 9
    assert first_text.KEY == "first_text"  # stored in Airflow's database
