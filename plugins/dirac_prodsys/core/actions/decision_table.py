"""Decides what an action does to one transformation in its present state: a table.

Three answers: it is done; there is nothing to do, and why; it is refused, and why. An action is
refused if silence could be mistaken for success, or the user might regret it.

Invariant: total: every action has an answer for every state, also for unknown states.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    FINAL_TASKS,
    NOTHING_TO_CLEAN,
    REMOVED_TRANSFORMATION,
    RUNNING_TRANSFORMATION,
    TaskStatus,
)
from dirac_prodsys.core.grid.status import TransformationStatus as S
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.policy.counts import tally, unused_files

Answer = Literal["act", "leave", "refuse"]

#: plugin with a group size in gigabytes
_BY_SIZE = "BySize"


@dataclass(frozen=True)
class ActionDecision:
    """The decision about one transformation.

    :param why: the reason in words, also if it is acted on.
    :param tasks: for ``extend``: the final number of tasks; for ``reopen``: the number of the
        generation: so that doing it twice is doing it once.
    """

    answer: Answer
    why: str
    tasks: int | None = None


_VALIDATING = frozenset(
    {S.VALIDATING_INPUT, S.VALIDATING_OUTPUT, S.VALIDATED_OUTPUT, S.WAITING_INTEGRITY}
)
#: states in which only its row is left
_FORGETTABLE = frozenset(
    {S.CLEANED, S.DELETED, S.TRANSFORMATION_CLEANED, S.REMOVED_FILES, S.ARCHIVED}
)

#: states of tasks that DIRAC has not submitted: it does not submit them while their transformation
#: is Stopped
_UNSUBMITTED = frozenset({TaskStatus.CREATED, TaskStatus.RESERVED})

_Table = Mapping[S, tuple[Answer, str]]


def _table(*entries: tuple[frozenset[S] | S, Answer, str]) -> _Table:
    """Make one row for each state; a state that is not named is refused."""
    rows: dict[S, tuple[Answer, str]] = dict.fromkeys(
        _VALIDATING, ("refuse", "an agent of DIRAC works on it in this state")
    )
    rows[S.COMPLETING] = ("refuse", "it is being completed")
    rows[S.UNKNOWN] = ("refuse", "its state is none that we know")
    rows |= dict.fromkeys(REMOVED_TRANSFORMATION, ("leave", "it was removed"))
    rows |= dict.fromkeys(ENDED_TRANSFORMATION, ("leave", "it has ended"))
    for states, answer, why in entries:
        rows |= dict.fromkeys([states] if isinstance(states, S) else states, (answer, why))
    return rows


_TABLES: Mapping[str, _Table] = {
    "start": _table(
        (S.NEW, "act", "→ Active, before the run of its production has prepared it"),
        (RUNNING_TRANSFORMATION, "leave", "it runs"),
        (S.COMPLETING, "leave", "it is being completed"),
        (S.STOPPED, "refuse", "somebody stopped it: resume it"),
    ),
    "stop": _table(
        (RUNNING_TRANSFORMATION, "act", "→ Stopped"),
        (S.NEW, "leave", "it has not begun; the run of its production will start it"),
        (S.STOPPED, "act", "it is Stopped, and stays so until somebody resumes it"),
    ),
    "resume": _table(
        (S.STOPPED, "act", "→ Active"),
        (RUNNING_TRANSFORMATION, "leave", "it runs"),
        (S.COMPLETING, "leave", "it is being completed"),
        (S.NEW, "leave", "it has not begun; the run of its production will start it"),
    ),
    "flush": _table(
        (S.ACTIVE, "act", "→ Flush"),
        (S.FLUSH, "leave", "it is being flushed"),
        (S.IDLE, "refuse", "it is Idle: only Active ones can be flushed"),
        (S.NEW, "refuse", "it has not begun"),
        (S.STOPPED, "refuse", "it is Stopped: resume it first"),
    ),
    "complete": _table(
        (RUNNING_TRANSFORMATION | {S.STOPPED, S.COMPLETING}, "act", "→ Completed"),
        (S.NEW, "act", "→ Completed, and it never ran"),
    ),
    "extend": _table(
        (RUNNING_TRANSFORMATION | {S.NEW, S.STOPPED}, "act", ""),
        (ENDED_TRANSFORMATION, "refuse", "it has ended, no agent would submit the tasks"),
        (REMOVED_TRANSFORMATION, "refuse", "it was removed"),
    ),
    "reopen": _table(
        (ENDED_TRANSFORMATION, "act", "it takes the files that came since"),
        (RUNNING_TRANSFORMATION | {S.NEW}, "leave", "it is not complete: it takes what comes"),
        (S.STOPPED, "refuse", "it is Stopped, and not complete: resume it"),
        (REMOVED_TRANSFORMATION, "leave", "it was removed: clear the start of its step"),
    ),
    "set_group_size": _table((RUNNING_TRANSFORMATION | {S.NEW, S.STOPPED}, "act", "")),
    "clean": _table(
        (frozenset(S) - NOTHING_TO_CLEAN, "act", "→ Cleaning"),
        (S.CLEANING, "leave", "it is being cleaned"),
        (S.ARCHIVED, "refuse", "it is Archived, and DIRAC cleans it no more; delete it"),
        (S.UNKNOWN, "refuse", "its state is none that we know"),
    ),
    "delete": _table(
        (_FORGETTABLE, "act", "its row is removed"),
        (
            RUNNING_TRANSFORMATION | {S.STOPPED, S.COMPLETING, S.COMPLETED},
            "refuse",
            "clean it first",
        ),
        (S.NEW, "act", "its row is removed, it never ran"),
        (frozenset({S.CLEANING, S.REMOVING_FILES}), "refuse", "it is being cleaned: wait for that"),
    ),
}


def decide(request: ActionRequest, listed: Listed, snapshot: Snapshot) -> ActionDecision:
    """Return the decision about one transformation as it is now."""
    answer, why = _TABLES[request.action][snapshot.status]
    decision = ActionDecision(answer, why)
    if answer != "act":
        return decision
    special = _SPECIAL.get(request.action)
    return special(request, listed, snapshot, decision) if special else decision


def _flush(
    request: ActionRequest, listed: Listed, snapshot: Snapshot, decision: ActionDecision
) -> ActionDecision:
    unused = unused_files(snapshot)
    if not unused:
        return ActionDecision("leave", "no file is Unused")
    return ActionDecision("act", f"{decision.why}, {unused} files are Unused")


def _stop(
    request: ActionRequest, listed: Listed, snapshot: Snapshot, decision: ActionDecision
) -> ActionDecision:
    if snapshot.status == S.STOPPED:
        return decision
    words = snapshot.tasks.items()
    going = {word: n for word, n in words if word not in FINAL_TASKS and word not in _UNSUBMITTED}
    return ActionDecision("act", f"{decision.why}; of its tasks {tally(going) or 'none'} go on")


def _extend(
    request: ActionRequest, listed: Listed, snapshot: Snapshot, decision: ActionDecision
) -> ActionDecision:
    if not _without_input(listed, snapshot):
        return ActionDecision("leave", "its tasks come from files")
    if snapshot.status == S.NEW and not snapshot.tasks and not request.force:
        return ActionDecision(
            "refuse", "it has not begun: extend it when its run has made its tasks"
        )
    values = request.values
    if "tasks" not in values and not listed.events_per_task:
        return ActionDecision("refuse", "EventsPerTask is not set: say how many tasks")
    more = values.get("tasks") or values.get("events", 0) / listed.events_per_task
    now = sum(snapshot.tasks.values())
    total = now + math.ceil(more)
    return ActionDecision("act", f"{now} → {total} tasks", tasks=total)


def _reopen(
    request: ActionRequest, listed: Listed, snapshot: Snapshot, decision: ActionDecision
) -> ActionDecision:
    kind = TRANSFORMATION_TYPES.get(listed.type)
    if kind is not None and not kind.needs_input:
        return ActionDecision("leave", "its tasks take no files")
    return decision


def _set_group_size(
    request: ActionRequest, listed: Listed, snapshot: Snapshot, decision: ActionDecision
) -> ActionDecision:
    wanted = request.values["group_size"]
    if _without_input(listed, snapshot):
        return ActionDecision("leave", "its tasks have no files")
    if listed.plugin != _BY_SIZE and wanted != int(wanted):
        return ActionDecision(
            "refuse", f"plugin {listed.plugin} counts files: {wanted:g} is no number"
        )
    # the column is a FLOAT of 24 bits
    if math.isclose(snapshot.group_size, wanted, rel_tol=1e-6):
        return ActionDecision("leave", f"it is {wanted:g}")
    # the TransformationAgent looks at files again when their number changes (NoUnusedDelay)
    unused = unused_files(snapshot)
    later = f"; {unused} Unused files wait for more, or for a flush" if unused else ""
    return ActionDecision("act", f"{snapshot.group_size:g} → {wanted:g}{later}")


def _delete(
    request: ActionRequest, listed: Listed, snapshot: Snapshot, decision: ActionDecision
) -> ActionDecision:
    if snapshot.status == S.NEW and snapshot.tasks:
        return ActionDecision(
            "refuse", f"it has {sum(snapshot.tasks.values())} tasks: clean it first"
        )
    return decision


_SPECIAL = {
    "flush": _flush,
    "stop": _stop,
    "extend": _extend,
    "reopen": _reopen,
    "set_group_size": _set_group_size,
    "delete": _delete,
}


def _without_input(listed: Listed, snapshot: Snapshot) -> bool:
    if snapshot.files:
        return False
    kind = TRANSFORMATION_TYPES.get(listed.type)
    return kind is not None and not kind.needs_input
