"""Transformations of requests: complete by what their requests did."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec, TransformationSpec
from dirac_prodsys.core.policy import History, StepRules, Verdict
from tests.unit.core.policy.looking import look


def moving(group_size: float = 1.0) -> StepRules:
    spec = TransformationSpec(
        name="move",
        description="",
        type="Replication",
        plugin="Broadcast",
        group_size=group_size,
        body=RequestSpec(operations=(RequestOperation(type="ReplicateAndRegister"),)),
    )
    return StepRules(True).shaped(spec)


@pytest.mark.parametrize(
    ("files", "tasks", "kind", "words"),
    [
        ({"Processed": 3}, {"Done": 3}, "complete", "3 of 3"),
        ({"Processed": 3}, {"Done": 2, "Waiting": 1}, "wait", "1 requests are not final"),
        ({"Processed": 3}, {"Done": 2, "Scheduled": 1}, "wait", "1 requests are not final"),
        ({"Processed": 2, "Problematic": 1}, {"Done": 2, "Failed": 1}, "recover", "tried again"),
        ({"Assigned": 3}, {"Waiting": 3}, "wait", "Assigned"),
        ({"Unused": 1, "Processed": 2}, {"Done": 2}, "wait", "leaves no rest"),
    ],
)
def test_data_management_is_complete_by_its_requests(
    files: dict[str, int], tasks: dict[str, int], kind: str, words: str
) -> None:
    verdict = look(files, moving(), tasks=tasks)
    assert verdict.kind == kind
    assert words in verdict.reason


def test_a_failed_request_that_was_looked_into_in_vain_fails_the_step() -> None:
    files, tasks = {"Processed": 2, "Problematic": 1}, {"Done": 2, "Failed": 1}
    seen = History(attached=3, handled_tasks=1, handled_files=1)
    verdict = look(files, moving(), past=seen, tasks=tasks)
    assert verdict.kind == "fail"
    assert "1 Problematic" in verdict.reason


def test_files_that_a_removal_removed_have_not_vanished() -> None:
    verdict = look({"Processed": 3}, moving(), tasks={"Done": 3}, catalogue=0)
    assert verdict == Verdict("complete", "3 of 3 files are Processed")


def test_a_copy_in_groups_leaves_a_rest_that_is_flushed() -> None:
    assert look({"Processed": 4, "Unused": 1}, moving(2.0), tasks={"Done": 2}).kind == "flush"
