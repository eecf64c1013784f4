"""Defines the kinds of notices, one entry each; ``notices`` makes their texts.

A kind with ``alarm`` is for waits: it is due when a verdict is ``about`` it, and nothing else has
to be written. Other kinds are made by a function of ``notices`` that a task calls.

Invariant: a name never changes: production files and deployments use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

NoticeKind = Literal[
    "stalled",
    "recovered",
    "flushed",
    "given_up",
    "needs_person",
    "late",
    "completed",
    "failed",
    "jobs",
]


@dataclass(frozen=True)
class NoticeWords:
    """One kind of notice.

    :param subject: its words in the subject line.
    :param default: whether it is sent where neither deployment nor production choose kinds.
    :param alarm: for an alarm of a wait: whether the same cause is the same in all steps of the
        ``run``, or each ``step`` has its own; empty: it is no alarm.
    """

    subject: str
    default: bool = True
    alarm: Literal["", "run", "step"] = ""


NOTICES: Mapping[NoticeKind, NoticeWords] = {
    # an agent that stands still does so in all steps
    "stalled": NoticeWords("stalled", alarm="run"),
    "recovered": NoticeWords("recovered"),
    # happens every day
    "flushed": NoticeWords("flushed", default=False),
    "given_up": NoticeWords("given up"),
    "needs_person": NoticeWords("needs a person", alarm="step"),
    # only where a production has a deadline
    "late": NoticeWords("late"),
    "completed": NoticeWords("completed"),
    "failed": NoticeWords("failed"),
    # only where a policy or the site says how often: ``report_every``
    "jobs": NoticeWords("jobs"),
}

KINDS: tuple[NoticeKind, ...] = tuple(NOTICES)
DEFAULT_KINDS: tuple[NoticeKind, ...] = tuple(kind for kind in KINDS if NOTICES[kind].default)
ALARMS: tuple[NoticeKind, ...] = tuple(kind for kind in KINDS if NOTICES[kind].alarm)
