"""When files of failed tasks are looked into, and what a step waits for meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_prodsys.core.policy import History, StepRules, judge, needs_comparison
from dirac_prodsys.core.recovery.rules import RecoveryRules
from tests.unit.core.policy.waiting import QUIET, STALL, at, snapshot

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


def test_a_missing_file_is_looked_for_once_more_before_the_step_fails() -> None:
    seen = snapshot(files={"Processed": 3, "MissingInFC": 1}, catalogue_files=4)
    verdicts, history = at([0, QUIET], seen, ACTIVE)
    assert verdicts[-1].kind == "recover"
    assert "looking once more" in verdicts[-1].reason
    after = history.looked_into(QUIET, tasks=0, files=0, asked=0)
    assert at([QUIET + 1], seen, ACTIVE, after)[0][0].kind == "fail"
    enough = replace(ACTIVE, max_problematic=1)
    assert at([0, QUIET], seen, enough)[0][-1].kind == "complete"


def test_a_simulation_whose_tasks_stand_still_asks_job_monitoring() -> None:
    rules = StepRules(False, tasks=3)
    seen = snapshot(tasks={"Submitted": 3})
    verdicts, history = at([0, rules.stall_after - 1, rules.stall_after], seen, rules)
    assert [v.kind for v in verdicts] == ["wait", "wait", "recover"]
    after = history.looked_into(rules.stall_after, tasks=0, files=0, asked=0)
    (later,), _ = at([rules.stall_after + 1], seen, rules, after)
    assert later.kind == "wait"
    assert "monitoring of tasks" in later.alarm
    off = replace(rules, recovery=RecoveryRules("off"))
    assert at([0, off.stall_after], seen, off)[0][-1].kind == "wait"


def test_the_last_try_is_looked_into_at_once_and_only_once() -> None:
    seen = snapshot(files={"Assigned": 4}, tasks={"Submitted": 4}, catalogue_files=4)
    last = replace(seen, failed_files={"Assigned": {3: 1}})
    assert at([0], seen, ACTIVE)[0][0].kind == "wait"
    assert at([0], replace(seen, failed_files={"Assigned": {2: 4}}), ACTIVE)[0][0].kind == "wait"
    verdicts, history = at([0], last, ACTIVE)
    assert (verdicts[0].kind, "1 files" in verdicts[0].reason) == ("recover", True)
    barred = replace(seen, failed_files={"Assigned": {10: 1}})
    after = history.looked_into(0, tasks=0, files=0, asked=0)
    assert at([1], barred, ACTIVE, after)[0][0].kind == "wait"
    back = replace(seen, files={"Assigned": 3, "Unused": 1}, failed_files={"Unused": {4: 1}})
    assert at([1], back, ACTIVE, after)[0][0].kind == "recover"
    wanted = history.looked_into(1, tasks=0, files=0, asked=0, enough=1)
    assert at([2], back, ACTIVE, wanted)[0][0].kind == "wait"
    for rules in (
        replace(ACTIVE, by_requests=True),
        replace(ACTIVE, recovery=RecoveryRules("off")),
    ):
        assert at([0], last, rules)[0][0].kind == "wait"


def test_files_that_the_query_does_not_find_are_counted_apart() -> None:
    seen = snapshot(files={"Processed": 4, "Unused": 1}, catalogue_files=5)
    # of five attached files two are a plugin's own: two of the query's are not there yet
    short = seen.compared(2, {"Processed": 1, "Unused": 1})
    verdicts, history = at([0, QUIET], short, ACTIVE)
    assert verdicts[-1].kind == "wait"
    assert "3 of the 5 files that the query finds are attached" in verdicts[-1].reason
    # nothing has moved: what was compared holds
    assert not needs_comparison(seen, ACTIVE, history, now=QUIET + 1, quiet_seconds=QUIET)
    assert needs_comparison(seen, ACTIVE, history, now=3 * QUIET, quiet_seconds=QUIET)
    assert at([QUIET + 1], seen, ACTIVE, history)[0][0].kind == "wait"
    complete = replace(seen, catalogue_files=3).compared(0, {"Processed": 1, "Unused": 1})
    verdicts, history = at([0, QUIET], complete, ACTIVE)
    assert verdicts[-1].kind == "complete"
    assert "3 of 3 files are Processed (2 others are attached" in verdicts[-1].reason
    plain = replace(complete, unattached=None, others={})
    assert not needs_comparison(plain, ACTIVE, history, now=9 * QUIET, quiet_seconds=QUIET)
    assert at([QUIET + 1], plain, ACTIVE, history)[0][0] == verdicts[-1]
