"""What a run that ended leaves on the grid, and whose stop is undone: every row of the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import RUNNING_TRANSFORMATION
from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.core.run.end import StepAtEnd, StopNote, action_of, end_of_run, ending, is_ours

GOOD = Path(__file__).parents[3] / "productions" / "good"


def left(status: str | None, action: str = "stop", step: str = "make") -> StepAtEnd:
    if status is None:
        return StepAtEnd(step, action, None)
    return StepAtEnd(step, action, Snapshot(7, "p__r__make", "Merging", Status(status)))


@pytest.mark.parametrize(
    ("wait", "last", "expected"),
    [
        ("success", "success", "completed"),
        # what is optional may be skipped, or fail, in a run that completes
        ("skipped", "success", "completed"),
        ("failed", "success", "completed"),
        ("failed", "upstream_failed", "failed"),
        ("failed", "skipped", "failed"),
        ("success", "failed", "failed"),
        ("success", "skipped", "cut short"),
        ("success", None, "cut short"),
        ("skipped", "skipped", "cut short"),
        ("success", "removed", "cut short"),
    ],
)
def test_how_a_run_ended(wait: str, last: str | None, expected: str) -> None:
    assert ending({"wait": wait, "last": last, "other": "success"}, ["last", "other"]) == expected


def test_a_run_of_which_nothing_is_known_did_not_complete() -> None:
    assert ending({}, ["last"]) == "cut short"
    assert ending({}, []) == "cut short"


#: how it ended, status, on_cancel → what is done
TABLE = [
    ("failed", None, "stop", "nothing"),
    ("failed", None, "clean", "nothing"),
    ("failed", "New", "stop", "nothing"),
    ("failed", "New", "leave", "nothing"),
    ("failed", "New", "clean", "clean"),
    ("failed", "Active", "stop", "stop"),
    ("failed", "Active", "leave", "nothing"),
    ("failed", "Active", "clean", "clean"),
    ("failed", "Flush", "stop", "stop"),
    ("failed", "Idle", "stop", "stop"),
    ("failed", "Stopped", "stop", "nothing"),
    ("failed", "Stopped", "clean", "clean"),
    # a person has it end
    ("failed", "Completing", "stop", "nothing"),
    ("failed", "ValidatingOutput", "stop", "nothing"),
    ("failed", "Unknown", "stop", "nothing"),
    # what a step has made is whole, whatever becomes of the others
    ("failed", "Completed", "clean", "nothing"),
    ("failed", "Archived", "clean", "nothing"),
    ("failed", "Cleaning", "clean", "nothing"),
    ("failed", "Cleaned", "clean", "nothing"),
    ("failed", "Deleted", "stop", "nothing"),
    ("failed", "RemovingFiles", "clean", "nothing"),
    # marked as success, or marked as failed while nothing ran: files are kept
    ("cut short", "Active", "stop", "stop"),
    ("cut short", "Active", "leave", "nothing"),
    ("cut short", "Active", "clean", "stop"),
    ("cut short", "New", "clean", "nothing"),
    ("cut short", "Stopped", "clean", "nothing"),
    ("cut short", "Completed", "stop", "nothing"),
    # every task succeeded: a person may have marked single ones so, and is believed
    ("completed", "Active", "stop", "nothing"),
    ("completed", "Active", "clean", "nothing"),
    ("completed", "Stopped", "clean", "nothing"),
    ("completed", None, "stop", "nothing"),
]


@pytest.mark.parametrize(("how", "status", "action", "fate"), TABLE)
def test_what_is_done_about_a_step(how: str, status: str | None, action: str, fate: str) -> None:
    (parting,) = end_of_run(how, [left(status, action)])
    assert (parting.step, parting.fate) == ("make", fate)
    assert parting.reason


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("action", ["stop", "leave", "clean"])
@pytest.mark.parametrize("how", ["failed", "cut short", "completed"])
def test_only_what_runs_is_stopped_and_only_confirmed_failures_are_cleaned(
    how: str, status: Status, action: str
) -> None:
    (parting,) = end_of_run(how, [left(status, action)])
    if parting.fate == "stop":
        assert status in RUNNING_TRANSFORMATION
        assert action != "leave"
    if parting.fate == "clean":
        assert (how, action) == ("failed", "clean")


def test_each_step_goes_by_its_own() -> None:
    partings = end_of_run(
        "failed",
        [
            left("Active", "leave", "a"),
            left("Active", "clean", "b"),
            left("Completed", "stop", "c"),
        ],
    )
    assert {each.step: each.fate for each in partings} == {
        "a": "nothing",
        "b": "clean",
        "c": "nothing",
    }


def test_a_step_says_it_for_itself_else_the_production_does() -> None:
    production = load_production((GOOD / "policies.yaml").read_text(), "policies.yaml")
    actions = {step.name: action_of(production, step.name) for step in production.steps}
    assert set(actions.values()) == {"leave", "clean"}


NOTE = StopNote(2, "r1 did not complete").to_text()


@pytest.mark.parametrize(
    ("note", "status", "changes", "expected"),
    [
        (NOTE, "Stopped", ["Active", "Stopped"], True),
        # we died before we stopped it
        (NOTE, "Active", ["Active"], False),
        # a person resumed it, or resumed and stopped it again, or stopped it once more
        (NOTE, "Active", ["Active", "Stopped", "Active"], False),
        (NOTE, "Stopped", ["Active", "Stopped", "Active", "Stopped"], False),
        (NOTE, "Stopped", ["Active", "Stopped", "Stopped"], False),
        # a person stopped it, and we never did
        ("", "Stopped", ["Active", "Stopped"], False),
        ("their own words", "Stopped", ["Active", "Stopped"], False),
        ('{"changes": "many"}', "Stopped", ["Active", "Stopped"], False),
        ("[1]", "Stopped", ["Active", "Stopped"], False),
        (NOTE, "Completed", ["Active", "Stopped"], False),
    ],
)
def test_only_our_own_stop_is_ours(
    note: str, status: str, changes: list[str], expected: bool
) -> None:
    assert is_ours(note, status, changes) is expected


def test_a_note_comes_back_as_it_was() -> None:
    assert StopNote.from_text(NOTE) == StopNote(2, "r1 did not complete")
