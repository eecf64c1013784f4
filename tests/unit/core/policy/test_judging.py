"""The policy as truth tables: one row, one rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    FileStatus,
    TransformationStatus,
)
from dirac_prodsys.core.policy import History, StepRules, Verdict, judge, needs_catalogue
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules

NOW, QUIET = 1000.0, 240.0
LONG_AGO, JUST_NOW = NOW - QUIET, NOW - QUIET + 1
FILES = StepRules(needs_input=True)
TASKS = StepRules(needs_input=False, tasks=4)


def snapshot(status: str = "Active", **more: Any) -> Snapshot:
    return Snapshot(7, "p__r__s", "Merging", TransformationStatus(status), **more)


def look(
    seen: Snapshot,
    rules: StepRules = FILES,
    *,
    since: float = LONG_AGO,
    final: bool = True,
    **past: int,
) -> Verdict:
    """The verdict when the same number of files was attached since then."""
    attached = sum(n for s, n in seen.files.items() if s not in ("Removed", "Deleted"))
    history = History(attached=attached, unchanged_since=since, **past)
    return judge(seen, rules, history, now=NOW, quiet_seconds=QUIET, inputs_final=final)[0]


@pytest.mark.parametrize("rules", [FILES, TASKS])
@pytest.mark.parametrize("status", list(TransformationStatus))
def test_what_the_status_alone_decides(status: TransformationStatus, rules: StepRules) -> None:
    verdict = look(snapshot(status), rules)
    if status in REMOVED_TRANSFORMATION:
        assert verdict.kind == "fail"
        assert status in verdict.reason
    elif status in ENDED_TRANSFORMATION:
        assert verdict.kind == "complete"
        assert "completed in DIRAC" in verdict.reason
    else:
        assert verdict.kind == "wait"


@pytest.mark.parametrize(
    ("tasks", "kind", "words"),
    [
        ({}, "wait", "0 of 4 tasks are done, 0 failed, 0 exist"),
        ({"Created": 4}, "wait", "0 of 4"),
        ({"Done": 3, "Running": 1}, "wait", "3 of 4"),
        ({"Done": 4}, "complete", "4 of 4 tasks are done"),
        ({"Done": 2, "Completed": 2}, "complete", "4 of 4"),
        ({"Done": 4, "Running": 2}, "wait", "0 failed, 2 Running"),
        ({"Done": 4, "SomethingNew": 1}, "wait", "0 failed, 1 SomethingNew"),
        ({"Done": 5}, "complete", "5 of 4"),
        ({"Done": 4, "Failed": 3}, "complete", "4 of 4"),
        (
            {"Done": 3, "Failed": 1},
            "fail",
            "only 3 of 4 tasks are done, none is left and none is to be added: 3 Done, 1 Failed",
        ),
        ({"Killed": 2, "Deleted": 2}, "fail", "only 0 of 4"),
        ({"Done": 2, "Failed": 1}, "wait", "2 of 4 tasks are done, 1 failed, 3 exist"),
        ({"Done": 3, "Failed": 1, "Waiting": 1}, "wait", "3 of 4"),
        ({"Done": 3, "Stalled": 1}, "wait", "3 of 4"),
        ({"Done": 3, "SomethingNew": 1}, "wait", "3 of 4"),
    ],
)
def test_a_step_without_input_is_decided_by_its_tasks(
    tasks: dict[str, int], kind: str, words: str
) -> None:
    verdict = look(snapshot(tasks=tasks), TASKS, final=False)
    assert verdict.kind == kind
    assert words in verdict.reason


def test_a_step_without_a_wanted_number_is_done_when_all_its_tasks_are() -> None:
    rules = StepRules(needs_input=False)
    assert look(snapshot(), rules).kind == "wait"
    assert look(snapshot(tasks={"Done": 2, "Running": 1}), rules).kind == "wait"
    assert look(snapshot(tasks={"Done": 3}), rules).kind == "complete"
    assert look(snapshot(tasks={"Done": 2, "Failed": 1}), rules).kind == "fail"


@pytest.mark.parametrize(
    ("files", "catalogue", "final", "since", "kind", "words"),
    [
        # the parents are still at work: whatever is there
        ({"Processed": 9}, 9, False, LONG_AGO, "wait", "9 files so far, and the parents are still"),
        ({"Unused": 2}, 2, False, LONG_AGO, "wait", "the parents are still"),
        ({}, 0, False, LONG_AGO, "wait", "0 files so far"),
        # tasks hold files: nothing to decide
        (
            {"Processed": 8, "Assigned": 2},
            None,
            True,
            LONG_AGO,
            "wait",
            "2 of 10 files are Assigned",
        ),
        # too early
        ({"Processed": 8, "Unused": 2}, 10, True, JUST_NOW, "wait", "unchanged for 239 s of 240 s"),
        ({"Processed": 10}, 10, True, JUST_NOW, "wait", "unchanged for 239 s"),
        ({}, 0, True, JUST_NOW, "wait", "unchanged for"),
        # the catalogue decides
        ({"Unused": 2}, None, True, LONG_AGO, "wait", "the catalogue was not asked"),
        ({"Processed": 10}, None, True, LONG_AGO, "wait", "the catalogue was not asked"),
        ({"Processed": 8, "Unused": 2}, 11, True, LONG_AGO, "wait", "10 of the 11 files"),
        ({"Processed": 10}, 11, True, LONG_AGO, "wait", "10 of the 11 files"),
        ({"Processed": 10, "Deleted": 1}, 11, True, LONG_AGO, "wait", "10 of the 11 files"),
        ({}, 0, True, LONG_AGO, "fail", "finds no file"),
        ({"Removed": 2}, 0, True, LONG_AGO, "fail", "finds no file"),
        # settled, with a rest
        ({"Unused": 2}, 2, True, LONG_AGO, "flush", "2 of 2 files are Unused"),
        ({"Processed": 8, "Unused": 2}, 10, True, LONG_AGO, "flush", "2 of 10"),
        ({"Assigned": 8, "Unused": 2}, 10, True, LONG_AGO, "flush", "flush 1"),
        ({"Processed": 8, "Unused": 2}, 9, True, LONG_AGO, "flush", "2 of 10"),
        # settled, nothing open
        ({"Processed": 10}, 10, True, LONG_AGO, "complete", "10 of 10 files are Processed"),
        ({"Processed": 10}, 9, True, LONG_AGO, "complete", "10 of 10"),
        ({"Processed": 10, "Removed": 3}, 10, True, LONG_AGO, "complete", "10 of 10"),
        ({"Processed": 9, "Problematic": 1}, 10, True, LONG_AGO, "fail", "only 9 of 10"),
        ({"Processed": 9, "MaxReset": 1}, 10, True, LONG_AGO, "fail", "1 MaxReset, 9 Processed"),
        ({"Processed": 9, "MissingInFC": 1}, 10, True, LONG_AGO, "recover", "1 MissingInFC"),
        ({"Problematic": 1}, 1, True, LONG_AGO, "fail", "100.0% are required"),
    ],
)
def test_a_step_with_input_is_decided_by_its_files(
    files: dict[str, int], catalogue: int | None, final: bool, since: float, kind: str, words: str
) -> None:
    verdict = look(snapshot(files=files, catalogue_files=catalogue), since=since, final=final)
    assert verdict.kind == kind
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("status", "rules", "flushes", "kind", "words"),
    [
        ("Active", FILES, 0, "flush", "flush 1"),
        ("Active", FILES, 9, "flush", "flush 10"),
        ("Active", FILES, 10, "fail", "after 10 flushes, the most that is allowed"),
        ("Active", StepRules(True, max_flushes=0), 0, "fail", "after 0 flushes"),
        ("Active", StepRules(True, flush="manual"), 0, "wait", "leaves the flush to a person"),
        ("Flush", StepRules(True, flush="manual"), 0, "wait", "the flush is at work"),
        ("Active", StepRules(True, leaves_rests=False), 0, "wait", "leaves no rest"),
        ("Active", StepRules(True, flush="never", group_size=2), 0, "wait", "are not flushed"),
        ("Active", StepRules(True, flush="never", group_size=3), 0, "complete", "8 of 8 files"),
        ("Active", StepRules(True, flush="never"), 0, "wait", "are not flushed"),
        ("Flush", FILES, 1, "wait", "the flush is at work"),
        ("Flush", FILES, 10, "wait", "the flush is at work"),
        ("Idle", FILES, 0, "wait", "the status is Idle"),
        ("Completing", FILES, 0, "wait", "the status is Completing"),
        ("Stopped", FILES, 0, "wait", "nothing runs until it is Active"),
    ],
)
def test_what_becomes_of_a_rest(
    status: str, rules: StepRules, flushes: int, kind: str, words: str
) -> None:
    rest = snapshot(status, files={"Processed": 8, "Unused": 2}, catalogue_files=10)
    verdict = look(rest, rules, flushes=flushes)
    assert verdict.kind == kind
    assert words in verdict.reason


def test_with_nothing_unused_the_files_end_a_step_whatever_the_status_of_its_flush() -> None:
    for status in ("Active", "Flush", "Idle", "Completing"):
        assert look(snapshot(status, files={"Processed": 3}, catalogue_files=3)).kind == "complete"


@pytest.mark.parametrize(
    ("processed", "attached", "fraction", "kind"),
    [
        (7, 100, 0.07, "complete"),
        (6, 100, 0.07, "fail"),
        (9, 10, 0.9, "complete"),
        (8, 10, 0.9, "fail"),
        (0, 3, 0.0, "complete"),
        (2, 3, 0.6667, "fail"),
        (29, 100, 0.29, "complete"),
    ],
)
def test_the_fraction_is_exact(processed: int, attached: int, fraction: float, kind: str) -> None:
    files = {"Processed": processed, "Problematic": attached - processed}
    seen = snapshot(files=files, catalogue_files=attached)
    assert look(seen, StepRules(True, min_processed=fraction)).kind == kind


def test_the_quiet_time_begins_when_the_last_file_was_attached() -> None:
    history = History()
    kinds = []
    for now, attached in ((0, 4), (100, 6), (240, 6), (339, 6), (340, 6)):
        seen = snapshot(files={"Unused": attached}, catalogue_files=6)
        verdict, history = judge(
            seen, FILES, history, now=now, quiet_seconds=QUIET, inputs_final=True
        )
        kinds.append(verdict.kind)
    assert kinds == ["wait", "wait", "wait", "wait", "flush"]
    assert (history.attached, history.unchanged_since) == (6, 100)


def test_the_quiet_time_does_not_begin_before_the_parents_are_done() -> None:
    history = History()
    seen = snapshot(files={"Unused": 6}, catalogue_files=6)
    for now in (0, 500, 1000):
        _, history = judge(seen, FILES, history, now=now, quiet_seconds=QUIET, inputs_final=False)
    assert history.unchanged_since == 1000


def test_a_flush_counts_and_the_next_one_waits_its_time() -> None:
    history = History(attached=6, unchanged_since=0.0).flushed(now=500.0)
    assert history.flushes == 1
    seen = snapshot(files={"Unused": 6}, catalogue_files=6)
    verdict, history = judge(seen, FILES, history, now=600, quiet_seconds=QUIET, inputs_final=True)
    assert verdict.kind == "wait"
    verdict, history = judge(seen, FILES, history, now=740, quiet_seconds=QUIET, inputs_final=True)
    assert verdict.kind == "flush"
    assert "flush 2" in verdict.reason
    assert history.flushes == 1


@pytest.mark.parametrize(
    ("seen", "rules", "final", "asked"),
    [
        (snapshot(files={"Unused": 2}), FILES, True, True),
        (snapshot(files={"Processed": 2}), FILES, True, True),
        (snapshot(files={}), FILES, True, True),
        (snapshot("Flush", files={"Processed": 2}), FILES, True, True),
        (snapshot(files={"Assigned": 2}), FILES, True, False),
        (snapshot(files={"Unused": 2}), FILES, False, False),
        (snapshot("Stopped", files={"Unused": 2}), FILES, True, False),
        (snapshot("Completed", files={"Processed": 2}), FILES, True, False),
        (snapshot("Cleaned"), FILES, True, False),
        (snapshot(tasks={"Done": 4}), TASKS, True, False),
    ],
)
def test_the_catalogue_is_asked_only_when_its_answer_decides(
    seen: Snapshot, rules: StepRules, final: bool, asked: bool
) -> None:
    history = History(attached=sum(seen.files.values()), unchanged_since=LONG_AGO)
    assert needs_catalogue(seen, rules, history, final) is asked
    assert needs_catalogue(seen, rules, history, final, now=NOW, quiet_seconds=QUIET) is asked
    early = {"now": NOW, "quiet_seconds": QUIET + 1}
    assert not needs_catalogue(seen, rules, history, final, **early)
    assert not needs_catalogue(seen, rules, History(), final)


_counts = st.dictionaries(st.sampled_from([*FileStatus, "New"]), st.integers(0, 5))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(_counts, st.integers(0, 20), st.sampled_from(list(TransformationStatus)), st.booleans())
def test_the_catalogue_is_asked_whenever_a_verdict_on_files_could_be_made(
    files: dict[str, int], catalogue: int, status: TransformationStatus, final: bool
) -> None:
    seen = snapshot(status, files=files)
    _, history = judge(seen, FILES, History(), now=0, quiet_seconds=QUIET, inputs_final=final)
    clock = {"now": NOW, "quiet_seconds": QUIET}
    without = judge(seen, FILES, history, inputs_final=final, **clock)[0]
    informed = judge(seen.with_catalogue(catalogue), FILES, history, inputs_final=final, **clock)[0]
    if without != informed:
        assert needs_catalogue(seen, FILES, history, final, **clock)


def test_rules_and_history_travel_and_old_ones_stay_readable() -> None:
    errors = (ErrorRule("ask", minor="*input*"), ErrorRule("retry", site="LCG.*", max=2))
    recovery = RecoveryRules("passive", problematic="retry", errors=errors)
    rules = StepRules(True, flush="never", max_flushes=3, min_processed=0.5, recovery=recovery)
    assert json.loads(json.dumps(rules.to_dict())) == rules.to_dict()
    assert StepRules.from_dict(rules.to_dict()) == rules
    assert StepRules.from_dict({"needs_input": True, "of_a_later_version": 1}) == FILES
    history = History(attached=3, unchanged_since=5.0, flushes=2)
    assert History.from_dict(history.to_dict()) == history
    assert History.from_dict({"of_a_later_version": 1}) == History()


def test_a_snapshot_travels() -> None:
    seen = snapshot("Flush", files={"Unused": 2}, tasks={"Done": 1}, catalogue_files=2)
    assert Snapshot.from_dict({**seen.to_dict(), "of_a_later_version": 1}) == seen
    assert Snapshot.from_dict({**seen.to_dict(), "status": "Invented"}).status == "Unknown"
