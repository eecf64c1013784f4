"""How often a file is tried again; what has been tried is kept in a ledger."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.recovery.decisions import decide
from dirac_prodsys.core.recovery.ledger import Ledger
from dirac_prodsys.core.recovery.rules import RecoveryRules
from tests.unit.core.recovery.stranded import NOTHING, RULES, case, fate


def test_a_file_is_tried_again_exactly_as_often_as_allowed() -> None:
    rules, ledger, tries = RecoveryRules(max_resets=3), NOTHING, 0
    while (decided := decide([case()], rules, ledger))[0].fate == "retry":
        ledger = Ledger.from_text(ledger.with_tries([("/sim/a", decided[0].cause)]).to_text())
        tries += 1
    assert tries == 3
    assert decided[0].fate == "give_up"
    assert decided[0].becomes == "MaxReset"
    assert "3 times of 3" in decided[0].reason


def test_failures_that_the_grid_took_back_itself_count_as_well() -> None:
    assert fate(case(errors=2)) == "retry"
    assert fate(case(errors=3)) == "give_up"
    assert fate(case(errors=3), RecoveryRules(max_resets=4)) == "retry"


def test_what_the_grid_takes_back_is_given_up_once_and_a_person_may_have_it_tried_again() -> None:
    taken_back = case("Unused", errors=4)
    (decision,) = decide([taken_back], RecoveryRules(max_resets=3), NOTHING)
    assert decision.fate == "give_up"
    given_up = NOTHING.with_decisions([("/sim/a", decision.file.task)])
    assert fate(taken_back, RecoveryRules(max_resets=3), given_up) == "keep"
    earlier = NOTHING.with_decisions([("/sim/a", decision.file.task - 1)])
    assert fate(taken_back, RecoveryRules(max_resets=3), earlier) == "give_up"
    done = case("Unused", errors=4, outputs="all")
    assert fate(done, RecoveryRules(max_resets=3), given_up) == "processed"


def test_what_a_person_is_to_decide_about_is_kept_from_the_grid_until_then() -> None:
    job = ("Failed", "Application", "segmentation fault", "LCG.Good.org")
    rules = RecoveryRules(errors=RULES)
    taken_back = case("Unused", errors=1, job=job)
    (held,) = decide([taken_back], rules, NOTHING)
    assert (held.fate, held.becomes) == ("hold", "MaxReset")
    noted = NOTHING.with_decisions([("/sim/a", held.file.task)])
    (asked,) = decide([case("MaxReset", errors=1, job=job)], rules, noted)
    assert (asked.fate, asked.may_be_retried) == ("ask", True)
    # a person had it tried again
    assert fate(taken_back, rules, noted) == "keep"
    assert fate(case("MaxReset", job=job), RecoveryRules(errors=RULES[:2])) == "keep"


def test_a_rule_bounds_its_own_cause_and_leaves_the_others() -> None:
    killed = case(task="Killed")
    rules = RecoveryRules(errors=RULES)
    assert fate(killed, rules) == "retry"
    assert fate(killed, rules, Ledger({"/sim/a": {"Killed": 1}})) == "give_up"
    assert fate(killed, rules, Ledger({"/sim/a": {"Failed": 1}})) == "retry"
    assert fate(killed, rules, Ledger({"/sim/b": {"Killed": 9}})) == "retry"


def test_a_cause_is_bounded_for_all_files_together() -> None:
    rules = RecoveryRules(max_per_cause=3)
    four = [case(lfn=f"/sim/{number}") for number in range(4)]
    ledger = Ledger({"/sim/old": {"Failed": 1}})
    fates = [decision.fate for decision in decide(four, rules, ledger)]
    assert fates == ["retry", "retry", "give_up", "give_up"]


def test_files_of_several_transformations_are_counted_apart() -> None:
    """A ledger belongs to one transformation: the same file elsewhere starts at nothing."""
    here = NOTHING.with_tries([("/sim/a", "Failed")] * 3)
    assert fate(case(), ledger=here) == "give_up"
    assert fate(case(), ledger=NOTHING) == "retry"


def test_a_ledger_travels_and_counts() -> None:
    ledger = NOTHING.with_tries([("/sim/a", "Failed"), ("/sim/a", "Killed"), ("/sim/b", "Failed")])
    assert Ledger.from_text(ledger.to_text()) == ledger
    assert Ledger.from_text("") == NOTHING
    decided = ledger.with_decisions([("/sim/a", 3)])
    assert Ledger.from_text(decided.to_text()) == decided
    assert Ledger.from_text('{"version": 1, "files": {}}') == NOTHING
    assert ledger.by_cause() == {"Failed": 2, "Killed": 1}
    assert ledger.of_file("/sim/c") == {}
    assert NOTHING.files == {}


@pytest.mark.parametrize("text", ["[]", "{}", '{"files": 3}', "not JSON"])
def test_a_note_of_somebody_else_is_no_ledger(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Ledger.from_text(text)


def test_on_its_last_try_the_grid_may_not_take_a_file_back() -> None:
    running = case(task="Running", errors=3)
    (last,) = decide([running], RecoveryRules(max_resets=3), NOTHING, 10)
    assert (last.fate, last.becomes) == ("last", None)
    assert "tried again 3 times of 3" in last.reason
    assert decide([case(task="Running", errors=2)], RecoveryRules(max_resets=3), NOTHING, 10) == []
    assert decide([case(task="Running", errors=10)], RecoveryRules(max_resets=3), NOTHING, 10) == []
    assert decide([running], RecoveryRules(max_resets=3), NOTHING) == []
    (at_once,) = decide([case(task="Running")], RecoveryRules(max_resets=0), NOTHING, 10)
    assert at_once.fate == "last"


@pytest.mark.parametrize("reached", [3, 5, 10])
def test_words_tell_how_often_a_file_really_was_tried(reached: int) -> None:
    ledger = NOTHING.with_barred([("/sim/a", 3)], 10)
    assert Ledger.from_text(ledger.to_text()) == ledger
    assert ledger.failures("/sim/a", reached) == 3
    assert ledger.failures("/sim/a", 11) == 4
    (decision,) = decide([case(errors=reached)], RecoveryRules(max_resets=3), ledger)
    assert decision.fate == "give_up"
    assert "tried again 3 times of 3" in decision.reason
    taken_back = case("Unused", errors=11)
    (decision,) = decide([taken_back], RecoveryRules(max_resets=3), ledger)
    assert "tried again 3 times of 3" in decision.reason


def test_an_unused_file_that_failed_too_often_is_given_up_whatever_the_state_of_its_task() -> None:
    for task in ("Running", "Submitted", "Failed"):
        assert fate(case("Unused", task=task, errors=4)) == "give_up"
        assert fate(case("Unused", task=task, errors=3)) == "keep"
