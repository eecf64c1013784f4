"""Decides what to stop or clean when a run ends, and recognises our own stops.

A completed run leaves nothing to decide. For any other run, each step's ``on_cancel`` says whether
its transformation is Stopped, left, or cleaned. A stop can be undone: our own stop is recorded with
the transformation, so that a cleared task starts it again; a transformation that a person stopped
stays stopped.

Invariant: nothing is done to a transformation that ended well, was removed, or does not run; files
are removed only if ``clean`` was confirmed and a task failed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    RUNNING_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.production.production import Production

OnCancelAction = Literal["stop", "leave", "clean"]
StepFate = Literal["stop", "clean", "nothing"]

#: ``completed``: the last tasks succeeded; ``failed``: a task failed; ``cut short``: otherwise
Ending = Literal["completed", "cut short", "failed"]

#: name of the additional parameter of a transformation that holds a :class:`StopNote`
STOP_NOTE = "ProdsysStopped"


def action_of(production: Production, step: str) -> OnCancelAction:
    """Return what happens to a step of an incomplete run: by the step, else the production."""
    own = production.step(step).on_cancel
    return (own or production.on_cancel).action


def ending(states: Mapping[str, str | None], last: Collection[str]) -> Ending:
    """Return how a run ended.

    :param states: Airflow's state of each task; None: it was never scheduled.
    :param last: the tasks after which the run has nothing more to do.
    """
    if last and all(states.get(task) == "success" for task in last):
        return "completed"
    return "failed" if {"failed", "upstream_failed"} & set(states.values()) else "cut short"


@dataclass(frozen=True)
class StepAtEnd:
    """What a run leaves of one step.

    :param snapshot: snapshot of its transformation; None: it has none.
    """

    step: str
    action: OnCancelAction
    snapshot: Snapshot | None


@dataclass(frozen=True)
class EndingAct:
    """What to do about one step, and why."""

    step: str
    fate: StepFate
    reason: str


def end_of_run(how: Ending, remains: Collection[StepAtEnd]) -> tuple[EndingAct, ...]:
    """Return what to do, step by step, when a run has ended."""
    if how == "completed":
        return tuple(EndingAct(each.step, "nothing", "the run completed") for each in remains)
    return tuple(EndingAct(each.step, *_fate(how, each)) for each in remains)


def _fate(how: Ending, left: StepAtEnd) -> tuple[StepFate, str]:
    if left.snapshot is None:
        return "nothing", "it has no transformation"
    status, label = left.snapshot.status, f"transformation {left.snapshot.id}"
    if status in ENDED_TRANSFORMATION:
        return "nothing", f"{label} is {status}: its output is complete"
    if status in REMOVED_TRANSFORMATION:
        return "nothing", f"{label} was removed in DIRAC: it is {status}"
    if left.action == "leave":
        return "nothing", f"{label} is {status}, and on_cancel is leave"
    if left.action == "clean" and how == "failed":
        return "clean", f"{label} is {status}, and on_cancel is clean"
    if status not in RUNNING_TRANSFORMATION:
        return "nothing", f"{label} is {status}: nothing is to be stopped"
    kept = ", only stopped as no task failed" if left.action == "clean" else ""
    return "stop", f"{label} is {status}, and the run did not complete{kept}"


@dataclass(frozen=True)
class StopNote:
    """A note that we stopped a transformation, written before it is stopped.

    :param changes: number of status changes of the transformation, this stop included. Any later
        change of its status makes the number differ.
    :param why: the reason, for people.
    """

    changes: int
    why: str

    def to_text(self) -> str:
        """Return the value of the parameter."""
        return json.dumps({"version": 1, "changes": self.changes, "why": self.why}, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> StopNote | None:
        """Inverse of :meth:`to_text`; None: there is no note, or somebody else wrote it."""
        try:
            data: Any = json.loads(text)
            return cls(int(data["changes"]), str(data["why"]))
        except (ValueError, TypeError, KeyError):
            return None


def is_ours(note: str, status: str, changes: Sequence[str]) -> bool:
    """Whether we stopped the transformation, and its status has not been changed since.

    :param note: the parameter :data:`STOP_NOTE`.
    :param changes: every status that it was ever set to.
    """
    written = StopNote.from_text(note)
    return (
        status == TransformationStatus.STOPPED
        and written is not None
        and written.changes == len(changes)
    )
