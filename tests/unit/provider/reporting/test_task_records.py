"""Tasks record each act before and after it, once, and never fail with the ledger."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    ActRecord,
    CountsRecord,
    DatasetRecord,
    DefinitionRecord,
    PlanRecord,
    RunRecord,
    StepRecord,
    StorageRecord,
)
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.ledger.history import campaign
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.reporting.ledger_settings import recorder
from dirac_prodsys.provider.reporting.task_records import TaskRecords
from dirac_prodsys.provider.tasks.preparing import DiracBeginRunOperator
from tests.unit.provider.actions.action_runs import RISKY

Context = dict[str, Any]


def do(act: type, production: Production, step: str, context: Context) -> Any:
    return act(task_id="t", production=production, step=step).work(context, {})


def run_to_the_end(production: Production, context: Context, grid: MemoryGrid) -> None:
    DiracBeginRunOperator(task_id="begin", production=production).work(context, {})
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            do(act, production, step, context)
    grid.advance(200)
    do(DiracFlushTransformationOperator, production, "merge", context)
    grid.advance(200)
    do(DiracCompleteTransformationOperator, production, "merge", context)
    do(DiracCreateDatasetOperator, production, "merge", context)


def found(ledger: Ledger, kind: str) -> list[Record]:
    return list(ledger.find(Search(kinds=(kind,))))


def test_each_act_is_recorded_before_and_after(
    ledger: Ledger, grid: MemoryGrid, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    acts = [each for each in found(ledger, "act") if isinstance(each, ActRecord)]
    merge = [(each.act, each.phase) for each in acts if each.step == "merge"]
    assert merge == [
        (act, phase)
        for act in ("create", "start", "flush", "complete", "create_dataset")
        for phase in ("before", "after")
    ]
    assert {(each.vo, each.production, each.run) for each in acts} == {("sim", "two", "r1")}


def test_definition_run_steps_final_counts_and_dataset_are_recorded(
    ledger: Ledger, grid: MemoryGrid, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    (definition,) = found(ledger, "definition")
    assert isinstance(definition, DefinitionRecord)
    assert definition.text == production.source
    (began,) = found(ledger, "run")
    assert isinstance(began, RunRecord)
    assert (began.state, began.run_id, began.definition) == ("began", "r1", definition.digest)
    steps = [each for each in found(ledger, "step") if isinstance(each, StepRecord)]
    assert [(each.step, each.transformation, each.parents) for each in steps] == [
        ("make", 1, ()),
        ("merge", 2, ("make",)),
    ]
    assert steps[1].query
    assert steps[1].dataset == compile(production, run="r1").steps[1].dataset.name
    final, after = found(ledger, "counts")
    assert isinstance(final, CountsRecord)
    assert isinstance(after, CountsRecord)
    assert (final.final, final.transformation, final.files) == (True, 2, {"Processed": 6})
    assert (after.final, after.status, after.files) == (False, "Completed", {"Processed": 6})
    (dataset,) = found(ledger, "dataset")
    assert isinstance(dataset, DatasetRecord)
    assert (dataset.step, dataset.transformation, dataset.frozen) == ("merge", 2, True)
    (stored,) = found(ledger, "storage")
    assert isinstance(stored, StorageRecord)
    assert (stored.files, stored.bytes) == (dataset.files, dataset.bytes)
    assert (stored.transformation, stored.name) == (2, steps[1].name)
    assert [each.bytes for each in stored.elements.values()] == [dataset.bytes]


def test_counts_are_recorded_before_a_person_completes_or_cleans(
    ledger: Ledger, grid: MemoryGrid, ops: Any
) -> None:
    for _ in range(2):  # what is done is not counted again
        ops("complete", **RISKY).carry_out()
    counted = [each for each in found(ledger, "counts") if isinstance(each, CountsRecord)]
    told = [(each.step, each.final, str(each.status_since)) for each in counted]
    assert told == [
        (step, final, "Completed") for step in ("make", "merge") for final in (True, False)
    ]
    assert all(each.tasks for each in counted if each.step == "make")
    assert {each.production for each in counted} == {"two"}
    ops("clean", run="r1", confirm="two", **RISKY).carry_out()
    assert len(found(ledger, "counts")) == 4


def test_counts_are_recorded_before_a_person_cleans_what_goes_on(
    ledger: Ledger, grid: MemoryGrid, ops: Any
) -> None:
    ops("clean", run="r1", confirm="two", **RISKY).carry_out()
    counted = [each for each in found(ledger, "counts") if isinstance(each, CountsRecord)]
    assert [(each.step, each.final) for each in counted] == [("make", False), ("merge", False)]
    assert counted[0].tasks


def test_a_step_without_dataset_records_where_its_files_are(
    ledger: Ledger, grid: MemoryGrid, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    for _ in range(2):
        do(DiracCompleteTransformationOperator, production, "make", context)
    _, first = found(ledger, "storage")
    assert isinstance(first, StorageRecord)
    assert (first.step, first.transformation, first.files) == ("make", 1, 6)
    assert [(each.files, each.bytes) for each in first.elements.values()] == [(6, first.bytes)]


def test_a_grid_that_does_not_answer_keeps_nobody_waiting_for_a_record(
    ledger: Ledger,
    grid: MemoryGrid,
    production: Production,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_given: Any) -> None:
        raise GatewayUnavailable("the catalogue is away")

    run_to_the_end(production, context, grid)
    monkeypatch.setattr("dirac_prodsys.provider.operators.output_of", away)
    assert do(DiracCompleteTransformationOperator, production, "make", context)["id"] == 1
    assert [each.step for each in found(ledger, "storage")] == ["merge"]


def test_a_task_that_is_tried_again_records_nothing_twice(
    ledger: Ledger, grid: MemoryGrid, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    before = ledger.count(Search())
    for act in (DiracCreateTransformationOperator, DiracCompleteTransformationOperator):
        do(act, production, "merge", context)
    DiracBeginRunOperator(task_id="begin", production=production).work(context, {})
    assert ledger.count(Search()) == before


def test_a_cleared_task_is_recorded_again(
    ledger: Ledger, grid: MemoryGrid, production: Production, context: Context
) -> None:
    do(DiracCreateTransformationOperator, production, "make", context)
    cleared = {**context, "dag_run": SimpleNamespace(clear_number=1)}
    do(DiracCreateTransformationOperator, production, "make", cleared)
    assert len(found(ledger, "act")) == 4
    assert len(found(ledger, "step")) == 1


def test_a_tag_names_the_campaign(
    ledger: Ledger, grid: MemoryGrid, production: Production, context: Context
) -> None:
    tagged = production.model_copy(update={"tags": ("night", "campaign:prod6")})
    run_to_the_end(tagged, context, grid)
    assert {each.campaign for each in ledger.find(Search())} == {"prod6"}
    assert [each.step.step for each in campaign(ledger, "prod6")] == ["make", "merge"]


def test_a_plan_is_recorded_once(ledger: Ledger, production: Production) -> None:
    records = TaskRecords({"run_id": "r1"}, production)
    plan = compile(production, run="r1")
    records.plan(plan)
    records.plan(plan)
    (written,) = found(ledger, "plan")
    assert isinstance(written, PlanRecord)
    assert written.digest == plan.digest
    assert written.plan == plan.to_dict()


def test_a_run_ends_in_the_ledger(ledger: Ledger, production: Production) -> None:
    TaskRecords({"run_id": "r1"}, production).run_ended("failed", ["b", "a"])
    (written,) = found(ledger, "run")
    assert isinstance(written, RunRecord)
    assert (written.state, written.reason) == ("failed", "failed tasks: a, b")


def test_what_people_do_is_recorded_with_who_and_why(ledger: Ledger, ops: Any) -> None:
    ops("stop", **RISKY).carry_out()
    written = [each for each in found(ledger, "action") if isinstance(each, ActionRecord)]
    assert [(each.phase, each.result, each.transformation) for each in written] == [
        ("before", "", 1),
        ("after", "done", 1),
        ("before", "", 2),
        ("after", "done", 2),
    ]
    assert {(each.by, each.reason, each.production, each.run) for each in written} == {
        ("shifter", "made for a test", "two", "r1")
    }


def test_answers_are_recorded_with_who_gave_them(ledger: Ledger, production: Production) -> None:
    records = TaskRecords({"run_id": "r1"}, production, "merge")
    for _ in range(2):
        records.answer("Approve", "ana", "approval of the step merge")
    records.answer("Approve", "", "removal of 9 files")
    answers = [each for each in found(ledger, "action") if isinstance(each, ActionRecord)]
    assert [(each.by, each.result, each.text, each.step) for each in answers] == [
        ("ana", "Approve", "approval of the step merge", "merge"),
        ("nobody", "Approve", "removal of 9 files", "merge"),
    ]


def test_what_happened_in_a_wait_is_recorded_line_by_line(
    ledger: Ledger, production: Production
) -> None:
    records = TaskRecords({"run_id": "r1"}, production, "merge")
    records.events(["an agent stood still", "3 files came late"], 2, "two__r1__merge")
    records.events(["an agent stood still"], 2, "two__r1__merge")
    assert [each.to_dict()["text"] for each in found(ledger, "event")] == [
        "an agent stood still",
        "3 files came late",
    ]


def test_a_ledger_that_is_broken_stops_no_task(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", "postgresql://nobody@127.0.0.1:1/x")
    (tmp_path / "file").touch()
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SPOOL", str(tmp_path / "file" / "spool"))
    run_to_the_end(production, context, grid)


def test_a_ledger_that_is_off_writes_nothing(
    grid: MemoryGrid,
    production: Production,
    context: Context,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SPOOL", str(tmp_path / "spool"))
    assert recorder() is None
    run_to_the_end(production, context, grid)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_making_a_record_is_a_line_in_the_log(
    ledger: Ledger, production: Production, caplog: pytest.LogCaptureFixture
) -> None:
    def make(_at: Any) -> Record:
        raise ZeroDivisionError("no record")

    TaskRecords({"run_id": "r1"}, production).write(make)
    assert "nothing is recorded: ZeroDivisionError: no record" in caplog.text
