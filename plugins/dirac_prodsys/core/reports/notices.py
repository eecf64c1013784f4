"""What is worth telling a person, once for each cause.

A notice has causes: words that all tasks of a run use for the same thing, without the numbers in
them. Whether it is new is a question of its causes alone: a notice all of whose causes have been
told in this run is dropped, whichever task, try or poll it comes from.

Invariant: pure, and free of any way of sending. What was told is remembered by whoever asks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION
from dirac_prodsys.core.policy.verdict import Verdict
from dirac_prodsys.core.production.notify import DEFAULT_KINDS, NoticeKind

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.run import ProductionReport

#: additional parameters of a transformation under which it is kept what was told; letters only
PARAMETER = "ProdsysTold"

_WORDS = {
    "stalled": "stalled",
    "recovered": "recovered",
    "flushed": "flushed",
    "given_up": "given up",
    "needs_person": "needs a person",
    "completed": "completed",
    "failed": "failed",
}


@dataclass(frozen=True)
class Notice:
    """One thing to tell.

    :param causes: what it is about, each told once; those of a step hold its name.
    :param text: what happened, for a person.
    :param step: empty: the whole production.
    :param html: a report that belongs to it; empty: none.
    """

    kind: NoticeKind
    causes: tuple[str, ...]
    text: str
    step: str = ""
    html: str = ""

    def subject(self, production: str, run: str) -> str:
        """One line."""
        where = f"{production}: {self.step}" if self.step else production
        return f"[{where}] {_WORDS[self.kind]} (run {run})"

    def key(self, cause: str) -> str:
        """Under which it is remembered that a cause was told."""
        return f"{self.kind} {cause}"


@dataclass(frozen=True)
class NotifyRules:
    """Whom to tell of what.

    :param on: kinds of notices.
    :param to: addresses.
    """

    on: tuple[str, ...] = DEFAULT_KINDS
    to: tuple[str, ...] = ()

    def refined(self, on: Sequence[str] | None, to: Sequence[str] | None) -> NotifyRules:
        """These rules with what a production says instead; None: it says nothing."""
        return NotifyRules(
            self.on if on is None else tuple(on), self.to if to is None else tuple(to)
        )


def cause_of(text: str) -> str:
    """The words that a text shares with others of its kind: without the numbers."""
    return " ".join(re.sub(r"\d+(?:\.\d+)?", "#", text).split())


def causes_of(verdict: Verdict) -> tuple[str, ...]:
    """What a wait's alarm is about, each agent or matter by itself; empty: nothing to be told."""
    if not verdict.about:
        return ()
    if verdict.about == "needs_person":
        return (cause_of(re.sub(r" \(.*\)$", "", verdict.alarm)),)
    text = re.sub(r"^nothing moved for [\d.]+ s: ", "", verdict.alarm)
    return tuple(dict.fromkeys(cause_of(part) for part in text.split("; ")))


def matter(verdict: Verdict, told: Sequence[str], *, due: bool = True) -> dict[str, Any]:
    """What a wait should tell at this look, as ``{"about", "causes"}``; empty: nothing.

    :param told: causes that were told since it last went on.
    :param due: whether an alarm may be told; else an attempt has failed a short while ago.
    """
    new = [cause for cause in causes_of(verdict) if cause not in told]
    if new and not due:
        return {}
    if new:
        return {"about": verdict.about, "causes": new}
    if told and not verdict.about:
        return {"about": "recovered", "causes": list(told)}
    return {}


def of_alarm(kind: NoticeKind, causes: Sequence[str], text: str, step: str) -> Notice:
    """A stall concerns whoever stands still, in all steps alike; a question concerns its step."""
    if kind == "stalled":
        return Notice(kind, tuple(causes), f"{step}: {text}", step)
    return Notice(kind, tuple(f"{step}: {cause}" for cause in causes), text, step)


def keys_of_alarm(cause: str, step: str) -> tuple[str, str]:
    """Under which it may be remembered that somebody was told of a wait's cause."""
    return (
        of_alarm("stalled", (cause,), "", step).key(cause),
        of_alarm("needs_person", (cause,), "", step).key(f"{step}: {cause}"),
    )


def of_flush(step: str, reason: str) -> Notice:
    """What was left over was flushed."""
    return Notice("flushed", (step,), reason or "flushed", step)


def of_outcome(outcome: Mapping[str, Any], given_up: Mapping[str, int], step: str) -> list[Notice]:
    """What a pass over files that stay behind has to tell, as ``Outcome.to_dict`` has it.

    The same cause in another step is the same cause: a site that fails is told of once.

    :param given_up: number of files that are not tried again, by cause.
    """
    found, text = [], "\n".join(outcome.get("lines") or ())
    if requeued := outcome.get("requeued"):
        found.append(Notice("recovered", _causes(requeued), text, step))
    if given_up:
        found.append(Notice("given_up", _causes(given_up), text, step))
    return found


def of_end(report: ProductionReport, failed: Sequence[str]) -> Notice:
    """The production is complete, or its run has ended otherwise.

    :param failed: tasks of the run that failed.
    """
    rows = [step.row for step in report.steps]
    left = [f"{row.step} {row.status or 'not made'}" for row in rows if row.status not in _ENDED]
    if not left and not failed:
        return Notice("completed", ("run",), report.to_text(), html=report.to_html())
    told = [f"failed tasks: {', '.join(failed)}"] if failed else []
    told += [f"not complete: {', '.join(left)}"] if left else []
    text = "\n".join([*told, "", report.to_text()])
    return Notice("failed", ("; ".join(told),), text, html=report.to_html())


_ENDED = frozenset(map(str, ENDED_TRANSFORMATION))


def _causes(words: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted({cause_of(word) for word in words}))


def parameter(key: str) -> str:
    """The name of the parameter in which a key is kept: DIRAC takes 32 letters."""
    digest = hashlib.sha256(key.encode()).digest()
    return PARAMETER + "".join(chr(ord("a") + byte % 26) for byte in digest[:20])


@dataclass(frozen=True)
class Claim:
    """Who tells a cause, and whether that was done.

    :param by: the task that tells it, whatever its try.
    """

    key: str
    by: str
    sent: bool = False

    def to_text(self) -> str:
        """The value of the parameter."""
        return json.dumps({"notice": self.key, "by": self.by, "sent": self.sent}, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Claim | None:
        """Inverse of :meth:`to_text`; None: nobody has claimed it (or somebody wrote nonsense)."""
        try:
            data: Any = json.loads(text) if text else None
        except ValueError:
            data = None
        if not isinstance(data, dict) or not data.get("by"):
            return None
        return cls(str(data.get("notice", "")), str(data["by"]), bool(data.get("sent")))


def may_tell(found: Claim | None, by: str) -> bool:
    """Whether a task may tell a cause: nobody has, or it has said so itself and then died."""
    return found is None or (found.by == by and not found.sent)
