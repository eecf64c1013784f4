"""The tasks of a loop: what they decide, and how they are linked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.gate_trigger import DiracGateTrigger
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator

TEXT = (Path(__file__).parents[3] / "productions" / "good" / "loop.yaml").read_text()
CHECKS = ("tune.pass_1.check", "tune.pass_2.check", "tune.pass_3.check")


def task(task_id: str, text: str = TEXT) -> Any:
    return build_dag(load_production(text, "f")).get_task(task_id)


def given(context: dict[str, Any], **results: Any) -> dict[str, Any]:
    """The context of a run in which tasks had these results; ``__`` in a name is a dot."""
    known = {name.replace("__", "."): value for name, value in results.items()}
    pull = SimpleNamespace(xcom_pull=lambda task_ids, **_: known.get(task_ids))
    return {**context, "ti": pull}


def met(yes: bool) -> dict[str, Any]:
    return {"met": yes, "reason": "auc"}


def test_a_check_waits_for_the_number_of_its_pass(context: dict[str, Any]) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        task("tune.pass_2.check").work(context, {})
    trigger = deferred.value.trigger
    assert isinstance(trigger, DiracGateTrigger)
    assert trigger.decides is True
    assert [gate["name"] for gate in trigger.gates] == ["/sim/tuning/r1/test/2/quality.json"]


@pytest.mark.parametrize(("kind", "expected"), [("open", True), ("closed", False)])
def test_what_it_finds_is_its_result(context: dict[str, Any], kind: str, expected: bool) -> None:
    event = {"kind": kind, "reason": "auc"}
    assert task("tune.pass_1.check").resume(context, event) == met(expected)


def test_a_pass_without_a_number_fails(context: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match="does not exist yet"):
        task("tune.pass_1.check").resume(context, {"kind": "fail", "reason": "does not exist yet"})


def test_the_next_pass_is_skipped_when_the_loop_is_over(context: dict[str, Any]) -> None:
    again = task("tune.pass_2.begin")
    again.work(given(context, tune__pass_1__check=met(False)), {})
    with pytest.raises(AirflowSkipException):
        again.work(given(context, tune__pass_1__check=met(True)), {})


@pytest.mark.parametrize(
    ("results", "last"),
    [
        ({"tune__pass_1__check": met(True)}, 1),
        ({"tune__pass_1__check": met(False), "tune__pass_2__check": met(True)}, 2),
        (
            {
                "tune__pass_1__check": met(False),
                "tune__pass_2__check": met(False),
                "tune__pass_3__check": met(True),
            },
            3,
        ),
    ],
)
def test_the_first_pass_that_is_good_enough_is_the_last(
    context: dict[str, Any], results: dict[str, Any], last: int
) -> None:
    assert task("tune.done").work(given(context, **results), {}) == {
        "last": last,
        "met": True,
    }


def test_at_the_bound_the_file_decides(context: dict[str, Any]) -> None:
    never = given(context, **{check.replace(".", "__"): met(False) for check in CHECKS})
    with pytest.raises(AirflowFailException, match="has not ended in 3 passes"):
        task("tune.done").work(never, {})
    text = TEXT.replace("at_most: 3", "at_most: 3\n    otherwise: go_on")
    assert task("tune.done", text).work(never, {}) == {"last": 3, "met": False}


def test_a_loop_whose_passes_were_never_judged_has_not_ended(context: dict[str, Any]) -> None:
    """A run that was marked failed has skipped its checks, and a skipped check is no failed one."""
    text = TEXT.replace("at_most: 3", "at_most: 3\n    otherwise: go_on")
    with pytest.raises(AirflowFailException, match="pass 1 was not judged"):
        task("tune.done", text).work(given(context), {})
    with pytest.raises(AirflowFailException, match="pass 2 was not judged"):
        task("tune.done", text).work(given(context, tune__pass_1__check=met(False)), {})


def test_a_step_outside_is_planned_with_the_last_pass_of_its_run(context: dict[str, Any]) -> None:
    create: DiracCreateTransformationOperator = task("apply.create")
    assert create.plan(given(context)).parents == ("train.3",)
    ended = given(context, tune__done={"last": 2, "met": True})
    assert create.plan(ended).parents == ("train.2",)
    assert task("train__3.create").plan(ended).parents == ("simulate",)


def test_a_pass_is_created_when_it_is_to_run_and_outside_waits_for_the_end() -> None:
    dag = build_dag(load_production(TEXT, "f"))
    edges = {(one.task_id, after) for one in dag.tasks for after in one.downstream_task_ids}
    assert {
        ("test__1.complete", "tune.pass_1.check"),
        ("tune.pass_1.check", "tune.pass_2.begin"),
        ("tune.pass_2.begin", "train__2.create"),
        ("test__2.complete", "tune.pass_2.check"),
        ("tune.pass_2.check", "tune.pass_3.begin"),
        ("tune.pass_3.check", "tune.done"),
        ("tune.done", "apply.create"),
    } <= edges
    assert {before for before, after in edges if after == "apply.create"} == {"tune.done"}

    def above(name: str) -> set[str]:
        return dag.get_task(name).get_flat_relative_ids(upstream=True)

    early = {name for name in above("prepare.verify") if name.startswith("prepare.create.")}
    assert early == {f"prepare.create.{step}" for step in ("simulate", "train__1", "test__1")}
    assert not {name for name in above("prepare.verify") if name.startswith("tune.")}
    for number in (1, 2, 3):
        ends = {f"{step}__{number}.complete" for step in ("train", "test")}
        assert ends <= above(f"tune.pass_{number}.check")
        assert ends <= above("tune.done")
        assert f"tune.pass_{number}.check" in above("tune.done")
    for number in (2, 3):
        for step in ("train", "test"):
            entry = above(f"{step}__{number}.create")
            assert f"tune.pass_{number}.begin" in entry
            assert f"tune.pass_{number - 1}.check" in entry
    assert {"tune.done", "prepare.verify"} <= above("apply.wait_for_input")
    assert dag.get_task("tune.done").trigger_rule == "none_failed"


def test_no_task_of_a_pass_is_among_the_last_of_the_run() -> None:
    # a run has completed when its last tasks have succeeded; those of passes may be skipped
    step = 'metadata: {production: tuning, run: "${{ run }}", step: "test-${{ pass }}"}\n'
    name = "/sim/datasets/${{ run }}_${{ pass }}"
    dataset = f'      files: [quality.json]\n    dataset: {{name: "{name}"}}\n'
    text = TEXT.replace(f"{step}      files: [quality.json]\n", step + dataset)
    dag = build_dag(load_production(text, "f"))
    assert "test__2.create_dataset" in dag.task_dict
    assert dag.get_task("finish.on_cancel").upstream_task_ids == {"prepare.begin", "apply.complete"}
    assert dag.get_task("finish.on_cancel").last == ("apply.complete",)
