"""Defines the verdict: what should happen to a transformation now, and why.

Invariant: a verdict always has a reason in words, with the numbers that it is based on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.policy.notice_kinds import NoticeKind

VerdictKind = Literal["wait", "flush", "recover", "extend", "complete", "fail"]

#: verdicts that must be carried out, or that end the wait
DECISIVE: frozenset[VerdictKind] = frozenset({"flush", "recover", "extend", "complete", "fail"})


@dataclass(frozen=True)
class Verdict:
    """What should happen now.

    :param reason: one sentence, with the numbers that it is based on.
    :param alarm: what a person should look at, although nothing is done about it; else empty.
    :param about: kind of the notice about the alarm; empty: it is for the log only.
    :param tasks: for ``extend``: the number of tasks that should exist.
    :param question: for ``wait``: what only a person can decide: ``flush`` or ``files``; else
        empty.
    """

    kind: VerdictKind
    reason: str
    alarm: str = ""
    tasks: int = 0
    about: NoticeKind | Literal[""] = ""
    question: str = ""
