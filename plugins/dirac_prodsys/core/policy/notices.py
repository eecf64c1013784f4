"""Decides which events are worth a notice to a person, once for each cause.

A notice has causes: texts without numbers, the same in all tasks of a run for the same event. Only
the causes decide whether a notice is new: it is dropped if all its causes have been reported in
this run, by any task, try or poll.

Invariant: pure, and independent of how notices are sent. The caller remembers what was reported.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION
from dirac_prodsys.core.policy.notice_kinds import ALARMS, DEFAULT_KINDS, NOTICES, NoticeKind
from dirac_prodsys.core.policy.verdict import Verdict

#: prefix of the additional parameters of a transformation that record what was reported; letters
#: only
PARAMETER = "ProdsysTold"
#: the one cause of all notices about a deadline: a run has one
LATE = "the deadline"


@dataclass(frozen=True)
class Notice:
    """One notice.

    :param causes: what it is about, each reported once; the causes of a step contain its name.
    :param text: what happened, for a person.
    :param step: name of the step; empty: the whole production.
    :param html: a report that belongs to it; empty: none.
    """

    kind: NoticeKind
    causes: tuple[str, ...]
    text: str
    step: str = ""
    html: str = ""

    def subject(self, production: str, run: str) -> str:
        """Return the subject line."""
        where = f"{production}: {self.step}" if self.step else production
        return f"[{where}] {NOTICES[self.kind].subject} (run {run})"

    def key(self, cause: str) -> str:
        """Return the key under which a cause is recorded as reported."""
        return f"{self.kind} {cause}"


@dataclass(frozen=True)
class NotifyRules:
    """Who is notified, and about what.

    :param on: kinds of notices.
    :param to: addresses.
    """

    on: tuple[str, ...] = DEFAULT_KINDS
    to: tuple[str, ...] = ()

    def refined(self, on: Sequence[str] | None, to: Sequence[str] | None) -> NotifyRules:
        """Return these rules with a production's own values instead; None: it has none."""
        return NotifyRules(
            self.on if on is None else tuple(on), self.to if to is None else tuple(to)
        )


def cause_of(text: str) -> str:
    """Return the text without its numbers, so that texts of one kind are equal."""
    return " ".join(re.sub(r"\d+(?:\.\d+)?", "#", text).split())


def causes_of(verdict: Verdict) -> tuple[str, ...]:
    """Return the causes of a wait's alarm, one per agent or problem; empty: nothing to report."""
    if not verdict.about:
        return ()
    if verdict.about == "needs_person":
        return (cause_of(re.sub(r" \(.*\)$", "", verdict.alarm)),)
    text = re.sub(r"^nothing moved for [\d.]+ s: ", "", verdict.alarm)
    return tuple(dict.fromkeys(cause_of(part) for part in text.split("; ")))


def matter(verdict: Verdict, reported: Sequence[str], *, due: bool = True) -> dict[str, Any]:
    """Return what a wait should report at this look, as ``{"about", "causes"}``; empty: nothing.

    :param reported: causes that were reported since the wait last made progress.
    :param due: whether an alarm may be reported; False if an attempt failed a short while ago.
    """
    new = [cause for cause in causes_of(verdict) if cause not in reported]
    if new and not due:
        return {}
    if new:
        return {"about": verdict.about, "causes": new}
    if reported and not verdict.about:
        return {"about": "recovered", "causes": list(reported)}
    return {}


def of_alarm(kind: NoticeKind, causes: Sequence[str], text: str, step: str) -> Notice:
    """Return the notice of an alarm."""
    if NOTICES[kind].alarm == "run":
        return Notice(kind, tuple(causes), f"{step}: {text}", step)
    return Notice(kind, tuple(f"{step}: {cause}" for cause in causes), text, step)


def keys_of_alarm(cause: str, step: str) -> tuple[str, ...]:
    """Return all keys under which a cause of a wait may be recorded as reported."""
    alarms = (of_alarm(kind, (cause,), "", step) for kind in ALARMS)
    return tuple(alarm.key(key) for alarm in alarms for key in alarm.causes)


def of_flush(step: str, reason: str) -> Notice:
    """Return the notice that the remaining files were flushed."""
    return Notice("flushed", (step,), reason or "flushed", step)


def of_lateness(reason: str, step: str) -> Notice:
    """Return the notice that a run misses its deadline: one for all its steps."""
    return Notice("late", (LATE,), f"{step}: {reason}", step)


def of_outcome(outcome: Mapping[str, Any], given_up: Mapping[str, int], step: str) -> list[Notice]:
    """Return the notices on a pass over files that stay behind, from ``Outcome.to_dict``.

    The same cause in another step is the same cause: a failing site is reported once.

    :param given_up: cause → number of files that are not tried again.
    """
    found, text = [], "\n".join(outcome.get("lines") or ())
    if requeued := outcome.get("requeued"):
        found.append(Notice("recovered", _causes(requeued), text, step))
    if given_up:
        found.append(Notice("given_up", _causes(given_up), text, step))
    return found


def of_end(
    states: Iterable[tuple[str, str]], failed: Sequence[str], text: str, html: str
) -> Notice:
    """Return the notice that the production is complete, or that its run ended otherwise.

    :param states: each step with the state of its transformation; empty: it was not made.
    :param failed: tasks of the run that failed.
    :param text: the report on the run; :param html: the same.
    """
    left = [f"{step} {state or 'not made'}" for step, state in states if state not in _ENDED]
    if not left and not failed:
        return Notice("completed", ("run",), text, html=html)
    reasons = [f"failed tasks: {', '.join(failed)}"] if failed else []
    reasons += [f"not complete: {', '.join(left)}"] if left else []
    return Notice("failed", ("; ".join(reasons),), "\n".join([*reasons, "", text]), html=html)


_ENDED = frozenset(map(str, ENDED_TRANSFORMATION))


def _causes(words: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted({cause_of(word) for word in words}))


def parameter(key: str) -> str:
    """Return the name of the parameter that stores a key: DIRAC takes 32 letters."""
    digest = hashlib.sha256(key.encode()).digest()
    return PARAMETER + "".join(chr(ord("a") + byte % 26) for byte in digest[:20])


@dataclass(frozen=True)
class Claim:
    """Which task reports a cause, and whether it has done so.

    :param by: the task that reports it, in any of its tries.
    """

    key: str
    by: str
    sent: bool = False

    def to_text(self) -> str:
        """Return the value of the parameter."""
        return json.dumps({"notice": self.key, "by": self.by, "sent": self.sent}, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Claim | None:
        """Inverse of :meth:`to_text`; None: no task has claimed it, or the text is invalid."""
        try:
            data: Any = json.loads(text) if text else None
        except ValueError:
            data = None
        if not isinstance(data, dict) or not data.get("by"):
            return None
        return cls(str(data.get("notice", "")), str(data["by"]), bool(data.get("sent")))


def may_tell(found: Claim | None, by: str) -> bool:
    """Whether a task may report a cause: it is unclaimed, or the task's own but not sent."""
    return found is None or (found.by == by and not found.sent)
