"""What a step removes is looked at before it starts, and somebody of the site must agree to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput, TaskDeferred
from airflow.sdk.execution_time import hitl

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from tests.unit.provider.conftest import TWO_STEPS, WriteSite

RULE = "roles: {managers: [ada, grace]}\nremoval_approvals: {sim: {roles: [managers], %s}}"

REMOVING = """\
version: 1
production: {name: tidy, vo: sim, approval: {subject: "Mine?", approvers: [author]}}
types: {Harmless: {tasks: requests}}
steps:
  rm:
    type: Harmless
    input: {where: {production: two, run: r1, step: make}}
    job: {type: request, operations: [{type: RemoveFile}]}
"""


@pytest.fixture
def removing(running: Production, grid: MemoryGrid) -> Production:
    """A production that removes the six files of another, under a type of its own."""
    assert len(grid.catalogue.files) >= 6
    return load_production(REMOVING, "tidy.yaml")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The questions that Airflow gets."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: asked.update(question))
    return asked


def starting(production: Production, context: Any) -> DiracStartTransformationOperator:
    create = DiracCreateTransformationOperator(task_id="c", production=production, step="rm")
    create.work(context, {})
    return DiracStartTransformationOperator(
        task_id="s", production=production, step="rm", outage_patience=0
    )


def status(gateway: MemoryGateway) -> str:
    record = gateway.find_transformation("tidy__r1__rm")
    assert record is not None
    return record.status


def answer(option: str, who: str | None) -> dict[str, Any]:
    user = None if who is None else {"id": who, "name": who}
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": user}


def parked(start: DiracStartTransformationOperator, context: Any) -> TaskAwaitingInput:
    with pytest.raises(TaskAwaitingInput) as waiting:
        start.execute(context)
    return waiting.value


@pytest.fixture
def start(
    removing: Production, in_bundle: Any, site_file: WriteSite, asked: dict[str, Any]
) -> DiracStartTransformationOperator:
    """The start of a removal that the site wants to be asked about."""
    site_file("", RULE % "above_files: 1")
    return starting(removing, in_bundle)


@pytest.fixture
def given(start: DiracStartTransformationOperator, in_bundle: Any) -> dict[str, Any]:
    """What the start gets with the answer, for its question is put."""
    return parked(start, in_bundle).kwargs


@pytest.mark.parametrize("rule", ["within: 48", "above_files: 5", "above_terabytes: 0.000001"])
def test_a_removal_starts_when_somebody_of_the_role_agrees_whatever_its_file_says(
    removing: Production,
    gateway: MemoryGateway,
    in_bundle: Any,
    site_file: WriteSite,
    asked: dict[str, Any],
    rule: str,
) -> None:
    site_file("", RULE % rule)
    start = starting(removing, in_bundle)
    waiting = parked(start, in_bundle)
    assert status(gateway) == "New"
    assert [user["id"] for user in asked["assigned_users"]] == ["ada", "grace"]
    assert asked["subject"] == "Let step rm remove 6 files, 6.0 MB?"
    assert "RemoveFile: 6 files" in asked["body"]
    assert waiting.method_name == "answered"
    assert waiting.timeout == (timedelta(hours=48) if "within" in rule else None)
    assert asked["defaults"] == ["Reject"]
    assert ("no answer means **Reject**" in asked["body"]) == ("within" in rule)
    assert "asked for this run" in asked["body"]
    start.answered(in_bundle, answer("Approve", "ada"), **waiting.kwargs)
    assert status(gateway) == "Active"


@pytest.mark.parametrize("rule", ["above_files: 6", "above_terabytes: 1, above_files: 100"])
def test_a_small_removal_is_not_asked_about(
    removing: Production, gateway: MemoryGateway, in_bundle: Any, site_file: WriteSite, rule: str
) -> None:
    site_file("", RULE % rule)
    starting(removing, in_bundle).execute(in_bundle)
    assert status(gateway) == "Active"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer("Reject", "ada"), "refused by ada"),
        (answer("Reject", None), "refused by silence"),
        (answer("Approve", "author"), "the site lets only ada, grace do so"),
        (answer("Approve", None), "the site lets only ada, grace do so"),
    ],
)
def test_any_other_answer_starts_nothing(
    start: DiracStartTransformationOperator,
    given: dict[str, Any],
    gateway: MemoryGateway,
    in_bundle: Any,
    reply: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises(AirflowFailException, match=words):
        start.answered(in_bundle, reply, **given)
    assert status(gateway) == "New"


def test_more_than_was_agreed_to_is_not_removed(
    start: DiracStartTransformationOperator,
    given: dict[str, Any],
    gateway: MemoryGateway,
    grid: MemoryGrid,
    in_bundle: Any,
) -> None:
    grid.catalogue.register("/sim/two/r1/make/late.dat")
    with pytest.raises(AirflowFailException, match=r"agreed to .* 6 files, and by now 7"):
        start.answered(in_bundle, answer("Approve", "ada"), **given)
    assert status(gateway) == "New"


def test_the_vo_of_the_connection_counts_as_much_as_that_of_the_file(
    removing: Production,
    gateway: MemoryGateway,
    in_bundle: Any,
    site_file: WriteSite,
    asked: dict[str, Any],
) -> None:
    site_file("", (RULE % "above_files: 1").replace("{sim:", "{memory:"))
    parked(starting(removing, in_bundle), in_bundle)
    assert status(gateway) == "New"


def test_an_answer_outlives_an_outage(
    start: DiracStartTransformationOperator,
    given: dict[str, Any],
    gateway: MemoryGateway,
    grid: MemoryGrid,
    in_bundle: Any,
    asked: dict[str, Any],
) -> None:
    grid.down = True
    with pytest.raises(TaskDeferred) as deferred:
        start.answered(in_bundle, answer("Approve", "ada"), **given)
    grid.down = False
    state = deferred.value.trigger.serialize()[1]["state"]
    asked.clear()
    start.after_outage(in_bundle, {"kind": "answered", "state": state})
    assert not asked
    assert status(gateway) == "Active"


def test_what_starts_before_its_parents_are_complete_is_asked_about_whatever_there_is_now(
    gateway: MemoryGateway, grid: MemoryGrid, in_bundle: Any, site_file: WriteSite,
    asked: dict[str, Any],
) -> None:  # fmt: skip
    # nobody else needs what is removed
    text = "".join(line for line in TWO_STEPS.splitlines(True) if "dataset:" not in line) + (
        "  rm:\n    type: Removal\n    start: streaming\n    input: {from: merge}\n"
        "    job: {type: request, operations: [{type: RemoveFile}]}\n"
    )
    one = load_production(text, "two.yaml")
    site_file("", RULE % "above_files: 1000")
    waiting = parked(starting(one, in_bundle), in_bundle)
    assert waiting.kwargs["share"] == {"files": 0, "bytes": 0}
    assert "and what comes later" in asked["subject"]


def test_a_file_that_lies_elsewhere_stops_a_removal_however_it_is_selected(
    removing: Production,
    gateway: MemoryGateway,
    grid: MemoryGrid,
    in_bundle: Any,
    site_file: WriteSite,
) -> None:
    metadata = {"production": "two", "run": "r1", "step": "make"}
    site_file("removals: [/sim/two]")
    grid.catalogue.register("/sim/others/precious.dat", **metadata)
    with pytest.raises(AirflowFailException, match=r"1 files where .*: /sim/others/precious\.dat"):
        starting(removing, in_bundle).execute(in_bundle)
    assert status(gateway) == "New"
    grid.catalogue.remove("/sim/others/precious.dat")
    starting(removing, in_bundle).execute(in_bundle)
    assert status(gateway) == "Active"


def test_the_tasks_of_all_runs_together_stay_below_the_quota(
    running: Production, grid: MemoryGrid, in_bundle: Any, site_file: WriteSite
) -> None:
    tasks = sum(len(t.tasks) for t in grid.transformations.values())
    site_file(f"tasks_per_production: {tasks + 7}")
    second = {**in_bundle, "run_id": "r2"}
    create = DiracCreateTransformationOperator(task_id="c", production=running, step="make")
    start = DiracStartTransformationOperator(task_id="s", production=running, step="make")
    create.work(second, {})
    with pytest.raises(AirflowFailException, match=rf"{tasks} tasks of production two are on the"):
        start.work(second, {})
    assert not grid.transformations[3].tasks
    site_file(f"tasks_per_production: {tasks + 8}")
    assert start.work(second, {})["tasks_added"] == 6
    # clearing the task asks for nothing more
    assert start.work(second, {})["tasks_added"] == 0


def test_a_start_that_died_after_the_answer_does_not_ask_again(
    start: DiracStartTransformationOperator,
    given: dict[str, Any],
    in_bundle: Any,
    asked: dict[str, Any],
) -> None:
    start.answered(in_bundle, answer("Approve", "ada"), **given)
    asked.clear()
    start.execute(in_bundle)
    assert not asked
