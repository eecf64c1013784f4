"""Steps without input: done, short, extended in place of failures, left to DIRAC's own agent."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, Verdict, judge


def look(tasks: dict[str, int], max_tasks: int = 0, **rules: Any) -> Verdict:
    seen = Snapshot(
        7, "p__r__s", "MCSimulation", TransformationStatus.ACTIVE, tasks=tasks, max_tasks=max_tasks
    )
    declared = StepRules(False, **{"tasks": 100, **rules})
    return judge(seen, declared, History(), now=0, quiet_seconds=240, inputs_final=True)[0]


@pytest.mark.parametrize(
    ("tasks", "rules", "kind", "total", "words"),
    [
        # none alive, short of the target
        ({"Done": 90, "Failed": 10}, {"extend": 1.0}, "extend", 112, "10 failed (10.0%): 12 more"),
        ({"Done": 98, "Failed": 14}, {"extend": 1.0}, "extend", 115, "3 more"),
        ({"Done": 99, "Killed": 1}, {"extend": 0.1}, "extend", 102, "2 more"),
        # in chunks, and never more than allowed
        ({"Done": 75, "Failed": 25}, {"extend": 1.0, "extend_chunk": 20}, "extend", 120, "20 more"),
        ({"Done": 90, "Failed": 10}, {"extend": 0.05}, "extend", 105, "5 more"),
        ({"Done": 94, "Failed": 11}, {"extend": 0.05}, "fail", 0, "105 are the most"),
        # too many failures are no accident
        ({"Done": 69, "Failed": 31}, {"extend": 1.0}, "fail", 0, "31.0% failed and above 30.0%"),
        ({"Done": 69, "Failed": 31}, {"extend": 1.0, "max_failed": 0.5}, "extend", 145, "45 more"),
        ({"Failed": 100}, {"extend": 1.0}, "fail", 0, "100.0% failed"),
        # not declared
        ({"Done": 99, "Failed": 1}, {}, "fail", 0, "none is to be added"),
        # within the tolerance
        ({"Done": 98, "Failed": 2}, {"tolerance": 0.02}, "complete", 0, "2.0% may be missing"),
        ({"Done": 97, "Failed": 3}, {"tolerance": 0.02}, "fail", 0, "only 97 of 100"),
        ({"Done": 97, "Failed": 3}, {"tolerance": 0.02, "extend": 1.0}, "extend", 104, "4 more"),
        # somebody is still at work
        (
            {"Done": 90, "Failed": 9, "Running": 1},
            {"extend": 1.0},
            "wait",
            0,
            "9 failed, 1 Running",
        ),
        ({"Done": 98, "Running": 1, "Waiting": 1}, {}, "wait", 0, "1 Running, 1 Waiting"),
        ({"Done": 98, "Failed": 1}, {"extend": 1.0}, "wait", 0, "99 exist"),
        # only a person knows
        ({"Done": 100}, {"by_hand": True}, "wait", 0, "complete it there"),
    ],
)
def test_what_becomes_of_a_step_without_input(
    tasks: dict[str, int], rules: dict[str, Any], kind: str, total: int, words: str
) -> None:
    verdict = look(tasks, **rules)
    assert (verdict.kind, verdict.tasks) == (kind, total)
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("tasks", "max_tasks", "kind"),
    [
        ({"Done": 90, "Failed": 10}, 100, "wait"),  # it replaces failed tasks up to 100 good ones
        ({"Done": 90, "Failed": 10}, 0, "extend"),  # it does not work on this transformation
        ({"Done": 100, "Failed": 10}, 100, "complete"),
        ({"Done": 50, "Failed": 50}, 40, "fail"),  # it has done its own, too many failed for us
        ({"Done": 90, "Failed": 10}, 80, "extend"),  # it has done its own, the rest is ours
    ],
)
def test_what_the_mc_extension_agent_does_is_left_to_it(
    tasks: dict[str, int], max_tasks: int, kind: str
) -> None:
    verdict = look(tasks, max_tasks, extend=1.0)
    assert verdict.kind == kind
    assert ("MCExtensionAgent" in verdict.reason) == (kind == "wait")


def test_extension_ends_at_the_target_whatever_fails_on_the_way() -> None:
    """One in five fails for ever: the chunks reach the target and stop there."""
    good, total, passes = 0, 100, 0
    while True:
        good = total - total // 5
        verdict = look({"Done": good, "Failed": total - good}, extend=1.0)
        if verdict.kind != "extend":
            break
        total, passes = verdict.tasks, passes + 1
    assert verdict.kind == "complete"
    assert passes <= 3
    assert 100 <= good <= 102


@pytest.mark.parametrize(
    ("tasks", "kind", "total"),
    [
        ({"Done": 4}, "complete", 0),
        ({"Done": 3, "Running": 1}, "wait", 0),
        ({"Done": 3, "Failed": 1}, "extend", 6),
        ({"Done": 3, "Failed": 1, "Running": 2}, "wait", 0),
        ({"Done": 2, "Failed": 2}, "fail", 0),
    ],
)
def test_in_place_of_failed_tasks_some_are_added_up_to_the_number_that_is_declared(
    tasks: dict[str, int], kind: str, total: int
) -> None:
    seen = Snapshot(7, "p__r__s", "MCSimulation", TransformationStatus.ACTIVE, tasks=tasks)
    rules = StepRules(False, tasks=4, max_tasks=6)
    verdict, _ = judge(seen, rules, History(), now=0, quiet_seconds=240, inputs_final=True)
    assert (verdict.kind, verdict.tasks) == (kind, total)
