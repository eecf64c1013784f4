"""What should happen to a transformation now, and why.

Invariant: a verdict always carries its reason in words, with the numbers it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["wait", "flush", "recover", "extend", "complete", "fail"]

#: verdicts that somebody must carry out, or that end the wait
DECISIVE: frozenset[Kind] = frozenset({"flush", "recover", "extend", "complete", "fail"})


@dataclass(frozen=True)
class Verdict:
    """What should happen now.

    :param reason: one sentence, with the numbers it rests on.
    :param alarm: what a person should look at, although nothing is done about it; else empty.
    :param about: what kind of matter the alarm is: ``stalled`` or ``needs_person``; empty: for the
        log alone.
    :param tasks: of ``extend``: the number of tasks that there should be.
    :param question: of ``wait``: what only a person can decide: ``flush`` or ``files``; else empty.
    """

    kind: Kind
    reason: str
    alarm: str = ""
    tasks: int = 0
    about: Literal["", "stalled", "needs_person"] = ""
    question: str = ""
