"""What CTADIRAC's TransformationFailoverAgent means to do, rule by rule, and its limitations, each
as something that does not happen here.

The agent (``CTADIRAC/TransformationSystem/Agent/TransformationFailoverAgent.py``, 3.1) completes,
flushes and reassigns; below, its truth tables are ours where they are right, and the rows where
they are not say why.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dirac_prodsys.core.grid.jobs import JobState, job_report
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, judge
from dirac_prodsys.core.recovery.decisions import Case, StrandedFile, TaskState, decide
from dirac_prodsys.core.recovery.ledger import Ledger
from dirac_prodsys.core.recovery.rules import RecoveryRules
from tests.unit.core.policy.looking import FILES, QUIET, look

# -- complete --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "parents_done", "kind"),
    [
        ({"Processed": 10}, True, "complete"),  # a root, or all parents processed
        ({"Processed": 10}, False, "wait"),  # a parent is at work
        ({"Processed": 9, "Assigned": 1}, True, "wait"),
        ({}, True, "fail"),  # no file at all is not "all processed"
    ],
)
def test_complete_when_all_is_processed_and_the_parents_are(
    files: dict[str, int], parents_done: bool, kind: str
) -> None:
    assert look(files, parents_done=parents_done).kind == kind


# -- flush -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unused", "tasks", "parents_done", "kind"),
    [
        (3, {"Done": 2}, False, "wait"),  # the parent is Active
        (3, {"Done": 2}, True, "flush"),  # 3 < 5, the parent is Completed, or there is none
        (3, {}, True, "flush"),  # no task was ever made: the agent needs none either for 3 < 5
        (3, {"Done": 1, "Running": 1}, True, "flush"),  # a rest needs no task to end first
    ],
)
def test_flush_a_rest_when_the_parents_are_done(
    unused: int, tasks: dict[str, int], parents_done: bool, kind: str
) -> None:
    files = {"Processed": 10, "Unused": unused}
    assert look(files, tasks=tasks, parents_done=parents_done).kind == kind


def test_a_transformation_without_a_production_is_flushed_like_any_other() -> None:
    spec = TransformationSpec(
        name="alone",
        description="",
        type="Merging",
        group_size=5,
        body=JobSpec(name="j", job_type="Merging", commands=(Command(executable="x"),)),
    )
    assert look({"Unused": 3}, StepRules(True).shaped(spec)).kind == "flush"


@pytest.mark.parametrize(("flushes", "kind"), [(0, "flush"), (1, "flush"), (2, "fail")])
def test_flushes_are_counted(flushes: int, kind: str) -> None:
    rules = replace(FILES, max_flushes=2)
    assert look({"Unused": 3}, rules, past=History(flushes=flushes)).kind == kind


# -- reassign --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "fate"), [("Failed", "retry"), ("Killed", "retry"), ("Running", ""), ("Done", "")]
)
def test_reassign_files_of_failed_and_killed_tasks(end: str, fate: str) -> None:
    one = Case(StrandedFile("/sim/a", "Assigned", 1), TaskState(1, end, 9))
    assert [d.fate for d in decide([one], RecoveryRules(), Ledger())] == ([fate] if fate else [])


def test_a_flush_and_a_recovery_do_not_meet() -> None:
    """The agent reassigns only in cycles without a flush; here what failed comes first."""
    files = {"Processed": 5, "Assigned": 5, "Unused": 3}
    assert look(files, tasks={"Done": 1, "Failed": 1}).kind == "recover"


# -- its limitations, by number ---------------------------------------------------------------
#    1, 10 and 15 are about calls: tests/unit/gateway/procedures/test_recovery_lessons.py


def test_2_a_child_of_a_running_simulation_is_not_complete_with_the_files_known_so_far() -> None:
    assert look({"Processed": 10}, parents_done=False).kind == "wait"
    assert look({"Processed": 10}, catalogue=11).kind == "wait"


def test_3_a_simulation_completes_by_itself_so_that_its_children_are_flushed() -> None:
    rules = StepRules(False, tasks=3)
    assert look({}, rules, tasks={"Done": 3}, parents_done=False).kind == "complete"


@pytest.mark.parametrize("files", [{"Processed": 8}, {"Processed": 5, "Unused": 3}, {}])
def test_4_a_root_is_neither_complete_nor_flushed_before_all_is_attached(
    files: dict[str, int],
) -> None:
    assert look(files, catalogue=9).kind == "wait"


def test_5_a_transformation_outside_a_production_is_completed_as_well() -> None:
    assert look({"Processed": 10}, StepRules(True)).kind == "complete"


def test_6_several_parents_must_all_be_done() -> None:
    """Whether they are is one word, made of all of them by the DAG; it alone opens the step."""
    assert look({"Processed": 10, "Unused": 1}, parents_done=False).kind == "wait"
    assert look({"Processed": 10, "Unused": 1}, parents_done=True).kind == "flush"


@pytest.mark.parametrize("state", ["Problematic", "MaxReset", "MissingInFC", "ProbInFC"])
def test_7_one_lost_file_does_not_block_a_step_that_allows_it(state: str) -> None:
    files = {"Processed": 99, state: 1}
    assert look(files, replace(FILES, min_processed=0.99)).kind == "complete"
    assert look(files, replace(FILES, max_problematic=1)).kind == "complete"
    # and does not wait for ever either; a missing file may be back
    assert look(files, FILES).kind == ("recover" if state == "MissingInFC" else "fail")
    assert look({"Processed": 99, "Removed": 1}, catalogue=99).kind == "complete"


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_8_files_are_tried_again_as_often_as_allowed_counted_in_dirac(
    most: int,
) -> None:
    one = Case(StrandedFile("/sim/a", "Assigned", 1), TaskState(1, "Failed", 9), outputs="none")
    note, tries = "", 0
    while (decided := decide([one], RecoveryRules(max_resets=most), Ledger.from_text(note)))[
        0
    ].fate == "retry":
        note = Ledger.from_text(note).with_tries([("/sim/a", decided[0].cause)]).to_text()
        tries += 1
    assert tries == most


def test_9_max_reset_stays_unless_it_is_declared_otherwise() -> None:
    one = Case(StrandedFile("/sim/a", "MaxReset", 1, 10), TaskState(1, "Failed", 9), outputs="none")
    assert decide([one], RecoveryRules(), Ledger()) == []
    decisions = decide([one], RecoveryRules(max_reset="retry", max_resets=99), Ledger())
    assert [d.fate for d in decisions] == ["retry"]


@pytest.mark.parametrize(("outputs", "fate"), [("all", "processed"), ("some", "ask")])
def test_11_a_failed_job_that_left_its_output_is_not_run_again(outputs: Any, fate: str) -> None:
    one = Case(StrandedFile("/sim/a", "Assigned", 1), TaskState(1, "Failed", 9), outputs=outputs)
    assert [d.fate for d in decide([one], RecoveryRules(), Ledger())] == [fate]


def test_12_what_has_been_looked_into_is_not_reported_again() -> None:
    files, tasks = {"Processed": 5, "Assigned": 5}, {"Done": 1, "Failed": 1}
    seen = Snapshot(7, "n", "Merging", TransformationStatus.ACTIVE, files, tasks)
    history, kinds = History(), []
    for now in range(0, 3000, 100):
        verdict, history = judge(
            seen, FILES, history, now=now, quiet_seconds=QUIET, inputs_final=True
        )
        kinds.append(verdict.kind)
        if verdict.kind == "recover":
            history = history.looked_into(now, tasks=1, files=0, asked=0)
    assert kinds.count("recover") == 1


def test_13_a_minor_status_has_its_share_of_its_own_status() -> None:
    jobs = [JobState(n, "Failed", "Application") for n in range(3)]
    jobs += [JobState(n, "Running", "Application") for n in range(3, 10)]
    lines = job_report("t", jobs).to_text().splitlines()
    shares = [line.split()[-2:] for line in lines if "Total: Application" in line]
    assert shares == [["3", "(100.0%)"], ["7", "(100.0%)"]]


def test_14_the_end_of_a_step_is_what_its_dataset_waits_for() -> None:
    """It never ends a production. Here "complete" is the verdict that lets the dataset be made,
    and a person's own "Completed" is one as well."""
    assert look({"Processed": 10}).kind == "complete"
    accepted = look({"Processed": 9, "Unused": 1}, status="Completed")
    assert accepted.kind == "complete"
    assert "completed in DIRAC: Completed (9 Processed, 1 Unused)" in accepted.reason
