"""What a person did to a transformation in DIRAC is accepted, and reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_prodsys.core.policy import History
from tests.unit.core.policy.looking import FILES, look


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        ("Stopped", "wait", "is Stopped: nothing runs until it is Active"),
        ("New", "wait", "is New"),
        ("Flush", "wait", "the flush is at work"),
        ("Idle", "wait", "the status is Idle"),
        ("Completing", "wait", "the status is Completing"),
        ("Completed", "complete", "was completed in DIRAC"),
        ("Archived", "complete", "was completed in DIRAC"),
        ("Cleaning", "fail", "was removed in DIRAC: its status is Cleaning"),
        ("Cleaned", "fail", "was removed in DIRAC"),
        ("TransformationCleaned", "fail", "was removed in DIRAC"),
        ("Deleted", "fail", "was removed in DIRAC"),
        ("RemovingFiles", "fail", "was removed in DIRAC"),
        ("RemovedFiles", "fail", "was removed in DIRAC"),
        ("ValidatingOutput", "wait", "nothing runs until it is Active"),
        ("a word of its own", "wait", "is Unknown"),
    ],
)
def test_what_a_person_did_in_dirac_is_accepted_and_reported(
    status: str, kind: str, words: str
) -> None:
    verdict = look({"Processed": 10, "Unused": 3}, status=status)
    assert verdict.kind == kind
    assert words in verdict.reason


def test_a_group_size_that_a_person_changed_is_what_counts() -> None:
    rules = replace(FILES, flush="never", stall_after=1e9)
    assert look({"Processed": 10, "Unused": 4}, rules).kind == "complete"
    assert look({"Processed": 10, "Unused": 4}, rules, group_size=2.0).kind == "wait"
    alone = look({"Processed": 10, "Unused": 4}, FILES, group_size=1.0)
    assert (alone.kind, "leaves no rest" in alone.reason) == ("wait", True)
    assert alone.alarm == "GroupSize is 1 in DIRAC, and 5 here: somebody changed it, and it is kept"
    assert look({"Processed": 10, "Unused": 4}, FILES, group_size=5.0).alarm == ""


def test_a_person_who_adds_files_to_a_flushed_step_reopens_it_and_that_is_reported() -> None:
    past = replace(History(attached=10).flushed(0.0), progress_since=0.0)
    verdict = look({"Processed": 10, "Unused": 2}, past=past)
    assert verdict.kind == "flush"
    assert "2 came after flush 1: the step is open again, flush 2 of 10" in verdict.reason
    left = look({"Processed": 8, "Unused": 2}, past=past)
    assert "left by flush 1" in left.reason


def test_files_that_left_the_catalogue_are_counted_in_words() -> None:
    verdict = look({"Processed": 8, "Unused": 2}, catalogue=9)
    assert verdict.kind == "flush"
    assert "(1 attached are not in the catalogue any more)" in verdict.reason
