"""What becomes of waits that last: alarms with a name, beginning early, giving up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.policy import History, StepRules, judge
from dirac_prodsys.core.policy.patience import standing_still
from tests.unit.core.policy.waiting import FILES, QUIET, STALL, TASKS, at, snapshot


@pytest.mark.parametrize(
    ("seen", "rules", "words"),
    [
        (snapshot(files={"Processed": 4}, catalogue_files=6), FILES, "2 files are not attached"),
        (snapshot(files={"Processed": 4}, catalogue_files=6), FILES, "the InputDataAgent"),
        (snapshot(files={"Unused": 5, "Assigned": 4}), FILES, "the TransformationAgent"),
        (snapshot("Flush", files={"Unused": 1}), FILES, "the TransformationAgent"),
        (snapshot(files={"Assigned": 4}, tasks={"Created": 1}), FILES, "the WorkflowTaskAgent"),
        (
            snapshot(files={"Assigned": 4}, tasks={"Created": 1}, agent_type="Manual"),
            FILES,
            "the AgentType is Manual",
        ),
        (
            snapshot(files={"Assigned": 4}, tasks={"Created": 1}),
            replace(FILES, by_requests=True),
            "the RequestTaskAgent",
        ),
        (
            snapshot(files={"Assigned": 4}, tasks={"Scheduled": 1}),
            replace(FILES, by_requests=True),
            "the RequestExecutingAgent",
        ),
        (snapshot(files={"Assigned": 4}, tasks={"Submitted": 1}), FILES, "monitoring of tasks"),
        (snapshot(files={"Assigned": 4}, tasks={"Waiting": 1}), FILES, "no site takes the jobs"),
        (snapshot(files={"Assigned": 4}, tasks={"Running": 1}), FILES, "1 jobs are at work"),
        (snapshot(files={"Assigned": 4}, tasks={"Done": 1}), FILES, "monitoring of files"),
        (snapshot(tasks={"Done": 4}, max_tasks=6), TASKS, "2 tasks are not added: the MCExtension"),
    ],
)
def test_a_stall_names_the_agent_whose_work_lies_there(
    seen: Snapshot, rules: StepRules, words: str
) -> None:
    assert words in standing_still(seen, rules)


@pytest.mark.parametrize(
    ("rules", "files", "flushes", "kind"),
    [
        ({}, {"Unused": 1, "Processed": 2}, 0, "flush"),
        ({"flush": "manual"}, {"Unused": 1, "Processed": 2}, 0, "wait"),
        ({"by_requests": True}, {"Unused": 1, "Processed": 2}, 0, "wait"),
        ({}, {"Unused": 1, "Assigned": 2}, 0, "wait"),
        # one of three is not attached
        ({}, {"Unused": 1, "Processed": 1}, 0, "wait"),
        # the TransformationAgent cannot make tasks of them, whatever the status
        ({}, {"Unused": 1, "Processed": 2}, StepRules(True).max_flushes, "wait"),
    ],
)
def test_files_that_the_transformation_agent_will_not_look_at_for_hours_are_flushed(
    rules: dict[str, Any], files: dict[str, int], flushes: int, kind: str
) -> None:
    """It looks at another number of files only, and remembers one of which it made no task."""
    single = replace(FILES, group_size=1, leaves_rests=False, **rules)
    verdicts, _ = at(
        [0, 4 * QUIET, 5 * QUIET],
        snapshot(files=files, catalogue_files=3),
        single,
        History(flushes=flushes),
    )
    assert [verdict.kind for verdict in verdicts] == ["wait", "wait", kind]
    assert ("NoUnusedDelay" in verdicts[-1].reason) == (kind == "flush")


def test_a_stall_is_reported_after_its_time_and_the_wait_goes_on() -> None:
    seen = snapshot(files={"Unused": 1, "Processed": 4}, catalogue_files=6)
    verdicts, _ = at([0, STALL - 1, STALL], seen, FILES)
    assert [v.kind for v in verdicts] == ["wait"] * 3
    assert [bool(v.alarm) for v in verdicts] == [False, False, True]
    assert verdicts[2].alarm == (
        "nothing moved for 3600 s: 1 files are not attached: the InputDataAgent"
    )


def test_with_nothing_to_do_a_long_wait_is_no_stall() -> None:
    seen = snapshot("Stopped", files={"Unused": 5}, catalogue_files=6)
    assert [v.alarm for v in at([0, STALL, 9 * STALL], seen, FILES)[0]] == ["", "", ""]
    seen = snapshot(files={"Processed": 4})
    verdict, _ = judge(
        seen, FILES, History(), now=9 * STALL, quiet_seconds=QUIET, inputs_final=False
    )
    assert (verdict.kind, verdict.alarm) == ("wait", "")


def test_any_movement_ends_a_stall() -> None:
    stuck = snapshot(files={"Unused": 1}, catalogue_files=6)
    _, history = at([0, STALL], stuck, FILES)
    moved = replace(stuck, files={"Unused": 2})
    verdicts, _ = at([STALL + 1, 2 * STALL], moved, FILES, history)
    assert [bool(v.alarm) for v in verdicts] == [False, False]


def test_a_day_in_which_nobody_looked_and_files_moved_is_no_stall() -> None:
    rules = replace(FILES, give_up_after=6 * STALL)
    before = snapshot(files={"Assigned": 5}, tasks={"Running": 2}, catalogue_files=5)
    _, history = at([0, 60], before, rules)
    after = replace(before, files={"Processed": 4, "Unused": 1}, tasks={"Done": 1})
    day = 86400.0
    verdicts, _ = at([day, day + QUIET], after, rules, history)
    assert [(v.kind, v.alarm) for v in verdicts] == [("flush", "")] * 2


def test_a_day_in_which_nobody_looked_and_nothing_moved_counts_as_a_day() -> None:
    rules = replace(FILES, give_up_after=6 * STALL)
    before = snapshot(files={"Assigned": 5}, tasks={"Running": 2}, catalogue_files=5)
    _, history = at([0, 60], before, rules)
    (verdict,), _ = at([86400.0], before, rules, history)
    assert verdict.kind == "fail"
    assert "given up after 86400 s" in verdict.reason


@pytest.mark.parametrize("rules", [FILES, replace(FILES, group_size=1, leaves_rests=False)])
def test_a_flush_that_nobody_works_on_is_an_alarm_and_not_another_flush(rules: StepRules) -> None:
    seen = snapshot("Flush", files={"Unused": 2, "Processed": 8}, catalogue_files=10)
    verdicts, _ = at([0, 359, 360, 5000], seen, rules, History(flushes=1))
    assert [v.kind for v in verdicts] == ["wait"] * 4
    assert [bool(v.alarm) for v in verdicts] == [False, False, True, True]
    assert "the TransformationAgent seems down" in verdicts[2].alarm


def test_a_status_that_stays_flush_with_nothing_unused_is_no_alarm() -> None:
    seen = snapshot("Flush", files={"Assigned": 2, "Processed": 8}, tasks={"Running": 1})
    assert not any(v.alarm for v in at([0, 360, 3000], seen, FILES)[0])


# -- beginning before the end ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "seen", "kind"),
    [
        (TASKS, snapshot(tasks={"Done": 1, "Running": 3}), "wait"),
        (TASKS, snapshot(tasks={"Done": 2, "Running": 2}), "complete"),
        (TASKS, snapshot(tasks={"Done": 2}), "complete"),  # two more are still to be made
        (TASKS, snapshot(tasks={"Failed": 4}), "wait"),  # for its own wait to judge
        (TASKS, snapshot(), "wait"),
        (FILES, snapshot(files={"Processed": 5, "Unused": 5}), "complete"),
        (FILES, snapshot(files={"Processed": 4, "Unused": 5}), "wait"),
        (FILES, snapshot(files={}), "wait"),
        (FILES, snapshot("Stopped", files={"Processed": 4, "Unused": 5}), "wait"),
        (FILES, snapshot("Completed", files={}), "complete"),
        (FILES, snapshot("Cleaned", files={}), "fail"),
    ],
)
def test_others_begin_when_a_share_is_done(rules: StepRules, seen: Snapshot, kind: str) -> None:
    half = replace(rules, ready_at=0.5)
    assert [v.kind for v in at([0, 9 * STALL], seen, half)[0]] == [kind, kind]


# -- the end of patience ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "rules", "kind"),
    [
        (snapshot(files={"Processed": 9, "Assigned": 1}), {"min_processed": 0.9}, "complete"),
        (snapshot(files={"Processed": 9, "Assigned": 1}), {}, "fail"),
        (snapshot(files={"Processed": 9, "Unused": 1}), {"max_problematic": 1}, "complete"),
        (snapshot(files={}), {}, "fail"),
        (snapshot("Stopped", files={"Processed": 9}), {}, "wait"),
    ],
)
def test_a_step_is_given_up_and_then_decided_by_what_there_is(
    seen: Snapshot, rules: dict[str, Any], kind: str
) -> None:
    declared = replace(FILES, give_up_after=1000.0, stall_after=1e9, **rules)
    verdicts, _ = at([0, 999, 1000], seen, declared)
    assert [v.kind for v in verdicts] == ["wait", "wait", kind]
    assert kind == "wait" or "given up after 1000 s" in verdicts[-1].reason


def test_a_step_without_input_is_given_up_likewise() -> None:
    seen = snapshot(tasks={"Done": 9, "Running": 1})
    rules = StepRules(False, tasks=10, tolerance=0.1, give_up_after=1000.0)
    assert at([0, 1000], seen, rules)[0][-1].kind == "complete"
    assert at([0, 1000], seen, replace(rules, tolerance=0.0))[0][-1].kind == "fail"


def test_alarms_are_kept_for_the_report_each_kind_once() -> None:
    seen = snapshot("Flush", files={"Unused": 2, "Processed": 8}, catalogue_files=10)
    _, history = at([0, 361, 400, 5000], seen, FILES, History(flushes=1))
    assert len(history.events) == 1
    assert "the TransformationAgent seems down" in history.events[0]
    again = History.from_dict(history.to_dict())
    assert again == history
    assert again.telling("4 files came late", "5 files came late").events[1:] == (
        "4 files came late",
    )
