"""What becomes of waits that last: alarms with a name, looks into failures, giving up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dirac_prodsys.core.policy import History, StepRules, Verdict, judge
from dirac_prodsys.core.policy.patience import standing_still
from dirac_prodsys.core.recovery_rules import RecoveryRules
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.core.status import TransformationStatus

QUIET, STALL = 240.0, 3600.0
PASSIVE = RecoveryRules("off")
FILES = StepRules(True, group_size=4, stall_after=STALL, recovery=PASSIVE)
TASKS = StepRules(False, tasks=4, stall_after=STALL)


def snapshot(status: str = "Active", **more: Any) -> Snapshot:
    return Snapshot(7, "p__r__s", "Merging", TransformationStatus(status), **more)


def at(
    times: list[float], seen: Snapshot, rules: StepRules, history: History | None = None
) -> tuple[list[Verdict], History]:
    """The verdicts on the same look, again and again."""
    history, verdicts = history or History(), []
    for now in times:
        verdict, history = judge(
            seen, rules, history, now=now, quiet_seconds=QUIET, inputs_final=True
        )
        verdicts.append(verdict)
    return verdicts, history


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


def test_a_stall_is_told_after_its_time_and_the_wait_goes_on() -> None:
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


def test_a_flush_that_nobody_works_on_is_an_alarm_and_not_another_flush() -> None:
    seen = snapshot("Flush", files={"Unused": 2, "Processed": 8}, catalogue_files=10)
    verdicts, _ = at([0, 359, 360, 5000], seen, FILES, History(flushes=1))
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


# -- failures --------------------------------------------------------------------------------------

ACTIVE = StepRules(True, group_size=4, stall_after=STALL)
STRANDED = snapshot(files={"Assigned": 4, "Processed": 4}, tasks={"Done": 1, "Failed": 1})


def test_files_of_failed_tasks_are_looked_into_when_the_grid_had_its_time() -> None:
    verdicts, history = at([0, QUIET - 1, QUIET], STRANDED, ACTIVE)
    assert [v.kind for v in verdicts] == ["wait", "wait", "recover"]
    assert verdicts[2].reason == "1 tasks failed while 4 files are Assigned"
    after = history.looked_into(QUIET, tasks=1, files=0, asked=0)
    assert at([QUIET + 1, QUIET + 600], STRANDED, ACTIVE, after)[0][-1].kind == "wait"
    worse = replace(STRANDED, tasks={"Done": 1, "Failed": 2})
    kinds = [v.kind for v in at([2000, 2000 + QUIET], worse, ACTIVE, after)[0]]
    assert kinds == ["wait", "recover"]


@pytest.mark.parametrize(
    ("files", "tasks", "rules", "kind"),
    [
        ({"Assigned": 4}, {"Failed": 1}, ACTIVE, "recover"),
        ({"Assigned": 4}, {"Killed": 1}, ACTIVE, "recover"),
        ({"Assigned": 4}, {"Failed": 1, "Running": 3}, ACTIVE, "recover"),
        ({"Assigned": 4}, {"Running": 1}, ACTIVE, "wait"),
        ({"Assigned": 4}, {"Done": 1}, ACTIVE, "wait"),
        ({"Processed": 4}, {"Failed": 1, "Done": 1}, ACTIVE, "complete"),
        ({"Assigned": 4}, {"Failed": 1}, replace(ACTIVE, recovery=RecoveryRules("off")), "wait"),
        (
            {"Assigned": 4},
            {"Failed": 1},
            replace(ACTIVE, recovery=RecoveryRules("passive")),
            "recover",
        ),
        ({"Processed": 3, "Problematic": 1}, {}, ACTIVE, "fail"),
        *[
            (
                {"Processed": 3, state: 1},
                {},
                replace(ACTIVE, recovery=RecoveryRules(**{name: "retry"})),
                "recover",
            )
            for name, state in [
                ("problematic", "Problematic"),
                ("max_reset", "MaxReset"),
                ("missing_in_fc", "MissingInFC"),
                ("prob_in_fc", "ProbInFC"),
            ]
        ],
    ],
)
def test_when_files_are_to_be_recovered(
    files: dict[str, int], tasks: dict[str, int], rules: StepRules, kind: str
) -> None:
    seen = snapshot(files=files, tasks=tasks, catalogue_files=4)
    assert at([0, QUIET], seen, rules)[0][-1].kind == kind


@pytest.mark.parametrize("most", [None, 1])
def test_a_step_does_not_end_before_files_were_tried_again(most: int | None) -> None:
    """Quiet for long, the last file becomes Problematic: neither enough nor too little by now."""
    rules = replace(ACTIVE, recovery=RecoveryRules(problematic="retry"), max_problematic=most)
    at_work = snapshot(files={"Processed": 3, "Assigned": 1}, catalogue_files=4)
    _, history = at([0, 1000], at_work, rules)
    lost = snapshot(files={"Processed": 3, "Problematic": 1}, catalogue_files=4)
    verdicts, history = at([1001, 1001 + QUIET], lost, rules, history)
    assert [v.kind for v in verdicts] == ["wait", "recover"]
    history = history.looked_into(1300, tasks=0, files=1, asked=0)
    assert at([1301], lost, rules, history)[0][0].kind == ("fail" if most is None else "complete")


def test_where_jobs_fail_all_the_time_they_are_looked_into_now_and_then() -> None:
    history, looks = History(), []
    for now in range(0, 7200, 60):
        seen = replace(STRANDED, tasks={"Running": 3, "Failed": 1 + now // 60})
        verdict, history = judge(
            seen, ACTIVE, history, now=now, quiet_seconds=QUIET, inputs_final=False
        )
        if verdict.kind == "recover":
            looks.append(now)
            history = history.looked_into(now, tasks=1 + now // 60, files=0, asked=0)
    assert looks == [240, 1440, 2640, 3840, 5040, 6240]


@pytest.mark.parametrize("state", ["problematic", "max_reset", "missing_in_fc", "prob_in_fc"])
def test_files_about_which_a_person_is_to_decide_are_waited_for_if_they_matter(state: str) -> None:
    word = {"problematic": "Problematic", "max_reset": "MaxReset"}.get(state)
    word = word or {"missing_in_fc": "MissingInFC", "prob_in_fc": "ProbInFC"}[state]
    rules = replace(ACTIVE, recovery=RecoveryRules(**{state: "ask"}))
    seen = snapshot(files={"Processed": 3, word: 1}, catalogue_files=4)
    verdict = at([0, QUIET], seen, rules)[0][-1]
    assert verdict.kind == "wait"
    assert f"a person is to decide about 1 {word}" in verdict.alarm
    assert at([0, QUIET], seen, replace(rules, max_problematic=1))[0][-1].kind == "complete"


def test_a_step_does_not_fail_while_a_person_is_asked_and_looks_again_by_itself() -> None:
    """A file that is to be tried again is not in the catalogue: it may come back."""
    rules = replace(ACTIVE, recovery=RecoveryRules(missing_in_fc="retry"))
    seen = snapshot(files={"Processed": 3, "MissingInFC": 1}, catalogue_files=3)
    _, history = at([0, QUIET], seen, rules)
    history = history.looked_into(QUIET, tasks=0, files=1, asked=1)
    verdicts, _ = at([QUIET + 1, QUIET + STALL], seen, rules, history)
    assert [v.kind for v in verdicts] == ["wait", "recover"]
    assert "1 files wait for a person's decision" in verdicts[0].alarm
    given_up = replace(rules, give_up_after=900.0)
    assert at([2000], seen, given_up, history)[0][0].kind == "fail"


def test_who_was_asked_has_answered_when_the_files_have_moved_on() -> None:
    asked = History().looked_into(1.0, tasks=1, files=0, asked=4)
    moved = snapshot(files={"Processed": 8}, tasks={"Done": 2, "Failed": 1})
    verdict, history = judge(moved, ACTIVE, asked, now=2.0, quiet_seconds=QUIET, inputs_final=True)
    assert (verdict.alarm, history.asked) == ("", 0)


def test_files_in_states_of_failure_are_tried_again_until_the_look_says_no_more() -> None:
    rules = replace(ACTIVE, recovery=RecoveryRules(problematic="retry"), max_problematic=1)
    seen = snapshot(files={"Processed": 3, "Problematic": 1}, catalogue_files=4)
    verdicts, history = at([0, QUIET], seen, rules)
    assert verdicts[-1].kind == "recover"
    after = history.looked_into(QUIET, tasks=0, files=1, asked=0)
    assert at([2 * QUIET], seen, rules, after)[0][-1].kind == "complete"


def test_when_nothing_moves_jobs_are_asked_for_and_later_ever_more_rarely() -> None:
    seen = snapshot(files={"Assigned": 4}, tasks={"Running": 1})
    verdicts, history = at([0, STALL - 1, STALL], seen, ACTIVE)
    assert [v.kind for v in verdicts] == ["wait", "wait", "recover"]
    assert "asking for the jobs" in verdicts[-1].reason
    after = history.looked_into(STALL, tasks=0, files=0, asked=0)
    kinds = [v.kind for v in at([STALL + 1, 2 * STALL - 1, 2 * STALL], seen, ACTIVE, after)[0]]
    assert kinds == ["wait", "wait", "recover"]


def test_files_of_tasks_that_all_ended_are_looked_into_sooner() -> None:
    seen = snapshot(files={"Assigned": 4}, tasks={"Done": 1})
    kinds = [v.kind for v in at([0, 5 * QUIET - 1, 5 * QUIET], seen, ACTIVE)[0]]
    assert kinds == ["wait", "wait", "recover"]


def test_files_that_wait_for_a_person_are_an_alarm_at_once() -> None:
    _, history = at([0, QUIET], STRANDED, ACTIVE)
    asked = history.looked_into(QUIET, tasks=1, files=0, asked=4)
    verdict = at([QUIET + 1], STRANDED, ACTIVE, asked)[0][0]
    assert verdict.kind == "wait"
    assert "4 files wait for a person's decision" in verdict.alarm


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
