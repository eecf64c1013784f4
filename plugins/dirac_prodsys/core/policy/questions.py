"""Defines what a person may be asked while a step waits, and what each answer does.

A wait asks once, and always with the same words and options; the reason at that time, and the
task's log, say what is wrong. An answer does nothing if it no longer fits the state of the step.

Invariant: pure. An answer affects only what the policy left to a person: a file is never tried
again if any of its outputs is in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dirac_prodsys.core.grid.status import FileStatus
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.recovery.decisions import FileDecision
from dirac_prodsys.core.recovery.rules import RecoveryRules

FLUSH, RETRY, GIVE_UP, WAIT = "Flush", "Try again", "Give up", "Wait on"
ACCEPT = "Go on without them"

_MEANS = {
    FLUSH: "the files that are left over from full groups become tasks now",
    RETRY: "files that wait for a decision are Unused once more, beyond all bounds, unless some "
    "outputs of their tasks are in the catalogue",
    GIVE_UP: "files that wait for a decision are given up (MaxReset), and so are those that come "
    "to it later; whether enough are Processed then is decided by the policy",
    ACCEPT: "files that the parents made and the query does not find are left out",
    WAIT: "nothing is done, and this task does not ask again",
}


def options(rules: StepRules) -> list[str]:
    """Return the possible answers while a step with these rules waits."""
    found = [FLUSH] if rules.flush == "manual" else []
    found += [RETRY, GIVE_UP] if rules.recovery.mode == "active" else []
    found += [ACCEPT] if rules.expected is not None else []
    return [*found, WAIT]


def question(name: str, reason: str, rules: StepRules) -> tuple[str, str]:
    """Return subject and text (Markdown) of the question.

    :param name: name of the transformation.
    :param reason: why a person is asked now.
    """
    lines = [f"- **{option}**: {_MEANS[option]}" for option in options(rules)]
    asked = f"When this was asked: {reason}."
    later = "What is the matter now is in the log of this task. Acting in DIRAC counts as well."
    return f"{name} waits for a person", "\n\n".join([asked, "\n".join(lines), later])


def apply_answer(decisions: Iterable[FileDecision], option: str) -> list[FileDecision]:
    """Apply a person's answer to the decisions that were left to a person."""
    return [_decided(decision, option) for decision in decisions if not _is_left(decision, option)]


def rules_after(rules: StepRules, option: str) -> StepRules:
    """Return the rules for the rest of a wait in which this was answered."""
    if option != GIVE_UP:
        return rules
    return replace(rules, recovery=_given_up(rules.recovery))


def _given_up(rules: RecoveryRules) -> RecoveryRules:
    errors = tuple(
        replace(rule, then="give_up") if rule.then == "ask" else rule for rule in rules.errors
    )
    states = ("max_reset", "problematic", "missing_in_fc", "prob_in_fc")
    changed = {name: "give_up" for name in states if getattr(rules, name) == "ask"}
    return replace(rules, errors=errors, **changed)  # type: ignore[arg-type]


def _is_left(decision: FileDecision, option: str) -> bool:
    """Whether a file is given up that is in a final state already: nothing is to be done."""
    ended = decision.file.status != FileStatus.ASSIGNED
    return option == GIVE_UP and decision.fate == "ask" and ended


def _decided(decision: FileDecision, option: str) -> FileDecision:
    if decision.fate != "ask":
        return decision
    if option == RETRY and decision.may_be_retried:
        return replace(decision, fate="retry", reason="a person has it tried again")
    if option == GIVE_UP:
        return replace(decision, fate="give_up", reason="a person gave it up")
    return decision
