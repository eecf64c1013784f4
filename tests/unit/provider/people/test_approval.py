"""A person is asked: the question shows the plan and the jobs, and the answer decides."""

from __future__ import annotations

import datetime
import re
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.people.approval import DiracApprovalOperator
from tests.unit.provider.conftest import TWO_STEPS

MERGE = "    group_size: 4\n"
ASKING = TWO_STEPS.replace(
    "vo: sim, tags: [demo]}",
    "vo: sim, approval: {subject: 'Run ${{ run }}? {{ ds }}', text: '{% x %} ```', "
    "approvers: [ada, bob], within: 2, otherwise: %s}}",
).replace(MERGE, MERGE + "    approval: {subject: 'Merge ${{ run }}?'}\n")


def operator(step: str | None = None, otherwise: str = "reject") -> DiracApprovalOperator:
    production = load_production(ASKING.replace("%s", otherwise), "f")
    return DiracApprovalOperator(task_id="approve", production=production, step=step)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The questions that Airflow gets."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: asked.update(question))
    return asked


@pytest.fixture
def waiting(context: dict[str, Any]) -> dict[str, Any]:
    class Instance:
        id = "0000"

    run = SimpleNamespace(run_id="r1", triggering_user_name="ada")
    return {**context, "task_instance": Instance(), "dag_run": run}


def event(option: str, name: str | None = "ada") -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": datetime.datetime.now(datetime.UTC),
        "responded_by_user": None if name is None else {"id": name, "name": name},
    }


def test_the_question_before_a_production_is_its_plan_letter_by_letter(
    asked: dict[str, Any], waiting: dict[str, Any]
) -> None:
    with pytest.raises(TaskAwaitingInput) as parked:
        operator().execute(waiting)
    assert asked["subject"] == "Run r1? {{ ds }}"
    assert "{% x %}" in asked["body"]
    head, rule, make, merge = [line for line in asked["body"].splitlines() if line[:1] == "|"]
    assert head.split(" | ")[:4] == ["| step", "type", "program", "tasks"]
    assert set(rule) == set("|- ")
    assert make == (
        "| `make` | `MCSimulation` | `make-it --task @{JOB_ID}` | 6 |  | any |  | "
        "`/sim/two/r1/make/made_@{JOB_ID}.dat at DISK-A-SE` |"
    )
    assert "| `merge-it` |  | 4 | any | `make`, streaming | " in merge
    assert "`dataset /sim/datasets/two_r1`" in merge
    assert "`ada` asked for this run." in asked["body"]
    until = re.search(r"Answer before \*\*(.+) UTC\*\*, 2 hours after this", asked["body"])
    assert until is not None
    left = datetime.datetime.fromisoformat(f"{until[1]}+00:00") - datetime.datetime.now(
        datetime.UTC
    )
    assert datetime.timedelta(minutes=110) < left <= datetime.timedelta(hours=2)
    assert "no answer means **Reject**" in asked["body"]
    assert [user["id"] for user in asked["assigned_users"]] == ["ada", "bob"]
    assert asked["options"] == ["Approve", "Reject"]
    assert asked["defaults"] == ["Reject"]
    assert parked.value.timeout == datetime.timedelta(hours=2)


def test_the_question_tells_the_values_of_the_run_and_which_are_defaults(
    asked: dict[str, Any], waiting: dict[str, Any]
) -> None:
    text = ASKING.replace("%s", "reject").replace(
        "steps:\n", "parameters: {n: {type: int, default: 3}, m: {type: int}}\nsteps:\n", 1
    )
    waiting["params"] = {"n": 3, "m": 50}
    with pytest.raises(TaskAwaitingInput):
        DiracApprovalOperator(task_id="approve", production=load_production(text, "f")).execute(
            waiting
        )
    assert "Its values: `m = 50, n = 3 (default)`." in asked["body"]


def test_the_question_before_a_step_tells_what_the_jobs_of_its_parents_came_to(
    asked: dict[str, Any], waiting: dict[str, Any], grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    production = load_production(ASKING.replace("%s", "reject"), "f")
    make = compile(production, run="r1").step("make").transformation
    record = gateway.create_transformation(make)
    gateway.prepare_directories(make.directories)
    gateway.ensure_tasks(record.id, 6)
    gateway.start_transformation(record.id)
    grid.advance(300)
    with pytest.raises(TaskAwaitingInput) as parked:
        operator("merge").execute(waiting)
    assert asked["subject"] == "Merge r1?"
    assert f"transformation {record.id} two__r1__make" in asked["body"]
    assert "Done" in asked["body"]
    assert asked["assigned_users"] is None
    assert "It waits until there is an answer." in asked["body"]
    # what is no default is a first choice too, as long as there is none
    assert (asked["defaults"], parked.value.timeout) == (["Reject"], None)


def test_a_grid_that_is_down_does_not_keep_the_question_back(
    asked: dict[str, Any], waiting: dict[str, Any], grid: MemoryGrid
) -> None:
    grid.down = True
    with pytest.raises(TaskAwaitingInput):
        operator("merge").execute(waiting)
    assert "cannot be read" in asked["body"]


def test_who_agreed_is_the_result(waiting: dict[str, Any]) -> None:
    result = operator().execute_complete(waiting, event("Approve"))
    assert result == {"approved": True, "by": "ada"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (event("Reject"), "the production was rejected by ada"),
        (event("Reject", None), "rejected by silence: nobody answered"),
    ],
)
def test_a_refusal_fails_at_once_and_names_whose_it_was(
    waiting: dict[str, Any], answer: dict[str, Any], words: str
) -> None:
    with pytest.raises(AirflowFailException, match=words):
        operator().execute_complete(waiting, answer)


def test_silence_may_mean_yes(asked: dict[str, Any], waiting: dict[str, Any]) -> None:
    asking = operator(otherwise="approve")
    with pytest.raises(TaskAwaitingInput):
        asking.execute(waiting)
    assert asked["defaults"] == ["Approve"]
    result = asking.execute_complete(waiting, event("Approve", None))
    assert result == {"approved": True, "by": ""}
