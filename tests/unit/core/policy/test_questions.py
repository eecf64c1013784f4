"""What a person may be asked, and what an answer does to what the rules left to one."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, judge
from dirac_prodsys.core.policy import questions as p
from dirac_prodsys.core.recovery.decisions import Case, StrandedFile, TaskState, decide
from dirac_prodsys.core.recovery.ledger import Ledger
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules

ASKING = RecoveryRules(errors=(ErrorRule("ask"),), problematic="ask")


def case(status: str = "Assigned", **more: Any) -> Case:
    fields = {"outputs": "none", **more}
    return Case(StrandedFile("/sim/a", status, 3), TaskState(3, "Failed"), None, **fields)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (StepRules(True), [p.RETRY, p.GIVE_UP, p.WAIT]),
        (StepRules(True, flush="manual"), [p.FLUSH, p.RETRY, p.GIVE_UP, p.WAIT]),
        (StepRules(True, recovery=RecoveryRules(mode="passive")), [p.WAIT]),
        (StepRules(True, flush="manual", recovery=RecoveryRules(mode="off")), [p.FLUSH, p.WAIT]),
    ],
)
def test_only_what_the_policy_allows_can_be_answered(rules: StepRules, expected: list[str]) -> None:
    assert p.options(rules) == expected
    subject, text = p.question("two__r1__merge", "2 files are Unused", rules)
    assert "two__r1__merge" in subject
    assert "2 files are Unused" in text
    assert all(f"**{option}**" in text for option in expected)


@pytest.mark.parametrize(
    ("one", "option", "fates"),
    [
        (case(), p.RETRY, ["retry"]),
        (case(), p.GIVE_UP, ["give_up"]),
        (case(), p.WAIT, ["ask"]),
        (case(), "", ["ask"]),
        # what may have been processed is never tried again by a word
        (case(outputs="some"), p.RETRY, ["ask"]),
        (case(outputs="some"), p.GIVE_UP, ["give_up"]),
        (case(outputs="all"), p.RETRY, ["processed"]),
        (case(outputs="all"), p.GIVE_UP, ["processed"]),
        (case(in_catalogue=False), p.RETRY, ["ask"]),
        (case("Problematic"), p.RETRY, ["retry"]),
        # it has ended already
        (case("Problematic"), p.GIVE_UP, []),
    ],
)
def test_an_answer_decides_what_was_left_to_a_person(
    one: Case, option: str, fates: list[str]
) -> None:
    decisions = decide([one], ASKING, Ledger())
    assert [decision.fate for decision in p.apply_answer(decisions, option)] == fates


def test_an_answer_is_not_bound_by_tries_and_touches_nothing_else() -> None:
    spent = Ledger().with_tries([("/sim/a", "x")] * 9)
    asked = decide([case()], ASKING, spent)
    assert [d.fate for d in p.apply_answer(asked, p.RETRY)] == ["retry"]
    bound = decide([case()], RecoveryRules(), spent)
    assert [d.fate for d in p.apply_answer(bound, p.RETRY)] == ["give_up"]


def test_who_gave_up_is_not_asked_about_their_like() -> None:
    rules = p.rules_after(StepRules(True, recovery=ASKING), p.GIVE_UP).recovery
    assert (rules.problematic, rules.errors[0].then) == ("give_up", "give_up")
    assert p.rules_after(StepRules(True, recovery=ASKING), p.RETRY).recovery == ASKING


def verdict(rules: StepRules, files: dict[str, int], history: History, status: str = "Active"):
    total = sum(files.values())
    state, tasks = TransformationStatus(status), {"Running": 1}
    snapshot = Snapshot(1, "t", "Merging", state, files=files, tasks=tasks, catalogue_files=total)
    _, seen = judge(snapshot, rules, history, now=0, quiet_seconds=1, inputs_final=True)
    return judge(snapshot, rules, seen, now=10, quiet_seconds=1, inputs_final=True)[0]


MANUAL = StepRules(True, flush="manual", group_size=4)


@pytest.mark.parametrize(
    ("rules", "files", "history", "status", "question"),
    [
        (MANUAL, {"Unused": 1, "Processed": 3}, History(), "Active", "flush"),
        # somebody flushed in DIRAC, or stopped it: nothing to decide
        (MANUAL, {"Unused": 1, "Processed": 3}, History(), "Flush", ""),
        (MANUAL, {"Unused": 1, "Processed": 3}, History(), "Stopped", ""),
        (MANUAL, {"Assigned": 1, "Processed": 3}, History(), "Active", ""),
        (StepRules(True, flush="never", group_size=4), {"Unused": 5}, History(), "Active", ""),
        (
            StepRules(True, recovery=ASKING),
            {"Problematic": 1, "Processed": 3},
            History(),
            "Active",
            "files",
        ),
        (
            StepRules(True, recovery=ASKING),
            {"Assigned": 2},
            History(asked=2, looked=1),
            "Active",
            "files",
        ),
        (
            StepRules(True, recovery=RecoveryRules(mode="passive")),
            {"Assigned": 2},
            History(asked=2, looked=1),
            "Active",
            "",
        ),
    ],
)
def test_a_person_is_asked_when_only_a_person_can_decide(
    rules: StepRules, files: dict[str, int], history: History, status: str, question: str
) -> None:
    found = verdict(rules, files, history, status)
    assert found.kind == "wait"
    assert found.question == question
