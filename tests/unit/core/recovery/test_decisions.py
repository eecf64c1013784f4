"""What becomes of files that stay behind, as a truth table."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.recovery.decisions import (
    Case,
    FileDecision,
    StrandedFile,
    decide,
    in_words,
    needs_outputs,
    requeued,
)
from dirac_prodsys.core.recovery.ledger import Ledger
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules
from tests.unit.core.recovery.stranded import NOTHING, RULES, case, fate


@pytest.mark.parametrize("end", ["Failed", "Killed", "Deleted", "Canceled"])
@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("none", "retry"),
        ("unknown", "retry"),
        ("some", "ask"),
        ("unsigned", "ask"),
        ("all", "processed"),
    ],
)
def test_a_file_of_a_failed_task_is_tried_again_unless_its_outputs_are_there(
    end: str, outputs: str, expected: str
) -> None:
    assert fate(case(task=end, outputs=outputs)) == expected


@pytest.mark.parametrize(
    "word",
    ["Created", "Reserved", "Submitted", "Waiting", "Running", "Stalled", "Completing", "Unheard"],
)
def test_a_file_of_a_living_task_is_left_alone(word: str) -> None:
    assert fate(case(task=word, outputs="none")) == "keep"
    assert not needs_outputs(case(task=word), RecoveryRules())


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("all", "processed"),
        ("some", "ask"),
        ("none", "ask"),
        ("unsigned", "keep"),
        ("unknown", "keep"),
    ],
)
@pytest.mark.parametrize("end", ["Done", "Completed"])
def test_a_file_of_a_good_task_is_judged_by_its_outputs(
    end: str, outputs: str, expected: str
) -> None:
    assert fate(case(task=end, outputs=outputs)) == expected


@pytest.mark.parametrize(
    ("task", "job", "expected"),
    [
        ("Running", ("Failed", "Stalled"), "retry"),  # the end was missed
        ("Submitted", ("Killed",), "retry"),
        ("Running", ("Running",), "keep"),
        ("Running", None, "keep"),  # job monitoring does not know it: nothing is certain
        ("Failed", None, "retry"),  # forgotten by job monitoring, its task had ended
        ("Failed", ("Running",), "keep"),  # somebody rescheduled the job: it is at work again
        ("Failed", ("Done",), "keep"),  # the job ended well after all, outputs unknown
    ],
)
def test_job_monitoring_knows_better_than_a_task(
    task: str, job: tuple[str, ...] | None, expected: str
) -> None:
    assert fate(case(task=task, job=job, outputs="unknown")) == expected


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        ("MaxReset", "max_reset"),
        ("Problematic", "problematic"),
        ("MissingInFC", "missing_in_fc"),
        ("ProbInFC", "prob_in_fc"),
    ],
)
def test_states_of_failure_by_declared_policy(state: str, rule: str) -> None:
    one = case(state, task=None)
    # what is missing no more was missing only for a while
    assert fate(one) == ("retry" if state == "MissingInFC" else "keep")
    assert fate(case(state, task=None, in_catalogue=False)) == "keep"
    assert fate(one, RecoveryRules(**{rule: "retry"})) == "retry"
    assert fate(one, RecoveryRules(**{rule: "ask"})) == "ask"
    absent = case(state, task=None, in_catalogue=False)
    assert fate(absent, RecoveryRules(**{rule: "retry"})) == "ask"
    done = case(state, outputs="all")
    assert fate(done, RecoveryRules(**{rule: "retry"})) == "processed"
    tried = Ledger({"/sim/a": {f"file {state}": 3}})
    assert fate(one, RecoveryRules(**{rule: "retry"}), tried) == "keep"


FULL = ("Failed", "No space left on device", "ReplicateAndRegister", "A to B")


def requested(status: str = "Problematic", job: tuple[str, ...] = FULL, **more: Any) -> Case:
    """A file whose task is a request; the agents make it Problematic where they watch files."""
    outputs = "all" if job[0] == "Done" else "unknown"
    return case(status, outputs=outputs, job=job, by_request=True, **more)


@pytest.mark.parametrize("status", ["Problematic", "Assigned"])
@pytest.mark.parametrize(
    ("rules", "problematic", "assigned"),
    [
        (RecoveryRules(), "retry", "retry"),
        (RecoveryRules(errors=(ErrorRule("give_up", minor="no space*"),)), "keep", "give_up"),
        (RecoveryRules(errors=(ErrorRule("ask", application="Repl*"),)), "ask", "ask"),
        (RecoveryRules(errors=(ErrorRule("give_up", site="* to C"),)), "retry", "retry"),
        (RecoveryRules(max_resets=0), "keep", "give_up"),
        (RecoveryRules(problematic="ask"), "ask", "retry"),
        (
            RecoveryRules(problematic="ask", errors=(ErrorRule("retry", minor="No space*"),)),
            "retry",
            "retry",
        ),
    ],
)
def test_what_a_request_failed_on_goes_by_its_error(
    status: str, rules: RecoveryRules, problematic: str, assigned: str
) -> None:
    expected = problematic if status == "Problematic" else assigned
    assert fate(requested(status), rules) == expected


@pytest.mark.parametrize("status", ["Problematic", "Assigned", "MaxReset"])
def test_what_a_request_has_done_is_processed_whatever_its_state(status: str) -> None:
    assert fate(requested(status, job=("Done",))) == "processed"


def test_a_request_that_is_at_work_again_is_waited_for() -> None:
    assert fate(requested(job=("Waiting",))) == "keep"


def test_a_problematic_file_that_is_not_in_the_catalogue_asks_nobody() -> None:
    assert fate(requested(in_catalogue=False)) == "keep"


@pytest.mark.parametrize(("errors", "expected"), [(1, "retry"), (3, "retry"), (4, "keep")])
def test_the_failure_that_made_it_problematic_is_no_try(errors: int, expected: str) -> None:
    assert fate(requested(errors=errors)) == expected


def test_tries_are_counted_by_the_error_of_the_request() -> None:
    assert requeued(decide([requested()], RecoveryRules(), NOTHING)) == {
        "Failed: No space left on device": 1
    }


def test_a_file_that_has_left_the_catalogue_is_missing_unless_a_person_is_to_be_asked() -> None:
    absent = case("Assigned", task="Failed", in_catalogue=False)
    assert fate(absent) == "missing"
    (decision,) = decide([absent], RecoveryRules(), Ledger())
    assert decision.becomes == "MissingInFC"
    assert fate(absent, RecoveryRules(missing_in_fc="ask")) == "ask"
    assert fate(absent, RecoveryRules(missing_in_fc="retry")) == "ask"


@pytest.mark.parametrize("state", ["Processed", "Removed", "Deleted", "Moved", "NotProcessed", "X"])
def test_other_states_are_never_touched(state: str) -> None:
    everything = RecoveryRules(
        max_reset="retry", problematic="retry", missing_in_fc="retry", prob_in_fc="retry"
    )
    assert fate(case(state), everything) == "keep"


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (("Failed", "Input Data Resolution", "Unknown", "LCG.Bad.org"), "give_up"),
        (("Failed", "Application", "Segmentation fault", "LCG.Bad.org"), "retry_elsewhere"),
        (("Failed", "Application", "segmentation fault", "LCG.Good.org"), "ask"),
        (("Failed", "Application", "exit 1", "LCG.Good.org"), "retry"),
        (("Killed", "never reached", "", ""), "retry"),
    ],
)
def test_the_first_rule_that_fits_the_error_decides(job: tuple[str, ...], expected: str) -> None:
    assert fate(case(job=job), RecoveryRules(errors=RULES)) == expected


@pytest.mark.parametrize(
    ("what", "becomes"),
    [
        ("retry", "Unused"),
        ("retry_elsewhere", "Unused"),
        ("processed", "Processed"),
        ("give_up", "MaxReset"),
        ("ask", None),
        ("keep", None),
    ],
)
def test_what_a_fate_does_to_a_file(what: Any, becomes: str | None) -> None:
    assert FileDecision(StrandedFile("/sim/a", "Assigned"), what, "", "").becomes == becomes


def test_decisions_are_grouped_by_their_kind() -> None:
    cases = [case(lfn=f"/sim/{n}", job=("Failed", "Stalled")) for n in range(5)]
    decided = decide([*cases, case(lfn="/sim/x", outputs="some")], RecoveryRules(), NOTHING)
    assert requeued(decided) == {"Failed: Stalled": 5}
    first, second = in_words(decided)
    assert first == (
        "retry: 5 files (Failed: Stalled): outputs of its task are not in the catalogue: "
        "/sim/0, /sim/1, /sim/2 and 2 more"
    )
    assert second.startswith("ask: 1 files (Failed): some outputs of task 3")
