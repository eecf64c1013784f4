"""What a person may be asked while a step waits, and what the answers mean.

A wait asks once, with the same words and options however often; what is the matter is in the reason
at that time, and in the task's log. An answer that does not fit what has become of the step
meanwhile does nothing.

Invariant: pure. An answer only does what the policy left to a person: it never tries a file again
whose outputs, or some of them, are in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dirac_prodsys.core.grid.status import FileStatus
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.recovery.decisions import Decision
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
    """What can be answered while a step with these rules waits."""
    found = [FLUSH] if rules.flush == "manual" else []
    found += [RETRY, GIVE_UP] if rules.recovery.mode == "active" else []
    found += [ACCEPT] if rules.expected is not None else []
    return [*found, WAIT]


def question(name: str, reason: str, rules: StepRules) -> tuple[str, str]:
    """Subject and text (Markdown) of the question.

    :param name: of the transformation.
    :param reason: why a person is asked now.
    """
    lines = [f"- **{option}**: {_MEANS[option]}" for option in options(rules)]
    told = f"When this was asked: {reason}."
    later = "What is the matter now is in the log of this task. Acting in DIRAC counts as well."
    return f"{name} waits for a person", "\n\n".join([told, "\n".join(lines), later])


def decided(decisions: Iterable[Decision], option: str) -> list[Decision]:
    """The decisions, of which those that were left to a person are what the person said."""
    return [_decided(decision, option) for decision in decisions if not _is_left(decision, option)]


def from_now_on(rules: StepRules, option: str) -> StepRules:
    """The rules for the rest of a wait in which that was answered."""
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


def _is_left(decision: Decision, option: str) -> bool:
    """Given up, and in a state that is an end already."""
    ended = decision.file.status != FileStatus.ASSIGNED
    return option == GIVE_UP and decision.fate == "ask" and ended


def _decided(decision: Decision, option: str) -> Decision:
    if decision.fate != "ask":
        return decision
    if option == RETRY and decision.may_be_retried:
        return replace(decision, fate="retry", reason="a person has it tried again")
    if option == GIVE_UP:
        return replace(decision, fate="give_up", reason="a person gave it up")
    return decision
