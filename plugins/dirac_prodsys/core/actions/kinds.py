"""Defines the actions as data: one entry each, for form, command line and gateway.

An action that calls one verb of the gateway is an entry here, and a row of ``decision_table``.

Invariant: a name never changes: scripts and buttons use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    WORKING_TRANSFORMATION,
    FileStatus,
)
from dirac_prodsys.core.grid.status import TransformationStatus as S

#: maximum number of tasks and of events that one action may add
MAX_TASKS, MAX_EVENTS = 1_000_000, 10**15


@dataclass(frozen=True)
class ActionValue:
    """A number that an action takes.

    :param about: what it is, one sentence.
    :param most: its maximum.
    :param integer: whether it must be a whole number.
    :param argument: its word on the command line, where it needs no option.
    """

    about: str
    most: int
    integer: bool = True
    argument: str = ""


VALUES: Mapping[str, ActionValue] = {
    "tasks": ActionValue("Tasks to add to each.", MAX_TASKS),
    "events": ActionValue("The same, as events.", MAX_EVENTS),
    "group_size": ActionValue(
        "Files of a task to come; GB for plugin BySize.", MAX_TASKS, integer=False, argument="SIZE"
    ),
}


@dataclass(frozen=True)
class ActionKind:
    """One action.

    :param does: what it does, one sentence.
    :param done: what was done to one transformation, afterwards.
    :param verb: the gateway's verb that does it, called with the transformation's ID and what the
        action takes; what needs more has a function in ``gateway/procedures/actions``.
    :param example: arguments of the command, as its help shows them.
    :param risky: whether it cannot be undone: a reason is required, and a preview comes first.
    :param typed: whether it removes something: the name must be typed, and the run be named.
    :param takes: which of ``VALUES``; exactly one must be given.
    :param sets: the state that it sets; empty: none.
    :param means: the states in which there is nothing more to set.
    :param files: states of the attached files that it concerns; empty: the output files.
    :param by_run: whether a run of the production does it: then it has no verb, and the files that
        it concerns are those that come to it.
    """

    name: str
    does: str
    done: str
    verb: str
    example: str
    risky: bool = False
    typed: bool = False
    takes: tuple[str, ...] = ()
    sets: str = ""
    means: frozenset[str] = frozenset()
    files: tuple[str, ...] = (FileStatus.UNUSED, FileStatus.ASSIGNED)
    by_run: bool = False


_UNUSED = (FileStatus.UNUSED,)

ACTIONS: Mapping[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind(
            "start",
            "New transformations become Active.",
            "started",
            "start_transformation",
            "bands --run night-7 --step merge",
            sets=S.ACTIVE,
            means=WORKING_TRANSFORMATION,
        ),
        ActionKind(
            "stop",
            "No task is made or submitted any more; jobs go on.",
            "stopped",
            "stop_transformation",
            'bands --reason "storage is down"',
            sets=S.STOPPED,
            means=frozenset({S.STOPPED}),
        ),
        ActionKind(
            "resume",
            "Stopped transformations become Active again.",
            "resumed",
            "resume_transformation",
            "'bands*' --state Stopped",
            sets=S.ACTIVE,
            means=WORKING_TRANSFORMATION,
        ),
        ActionKind(
            "flush",
            "Files left over make smaller groups.",
            "flushed",
            "flush_transformation",
            "bands --step merge",
            sets=S.FLUSH,
            means=frozenset({S.FLUSH}),
            files=_UNUSED,
        ),
        ActionKind(
            "complete",
            "Transformations are Completed as they are; what is not processed stays so.",
            "completed",
            "complete_transformation",
            'bands --run night-7 --reason "enough statistics"',
            risky=True,
            sets=S.COMPLETED,
            means=ENDED_TRANSFORMATION,
        ),
        ActionKind(
            "extend",
            "Tasks are added to transformations without input.",
            "extended",
            "ensure_tasks",
            "bands --run night-7 --step slices --tasks 50",
            takes=("tasks", "events"),
        ),
        ActionKind(
            "reopen",
            "Completed steps take the files that came since, in a run of their own.",
            "reopened",
            "",
            "bands --run night-7 --step merge",
            by_run=True,
        ),
        ActionKind(
            "set_group_size",
            "Tasks to come take another number of files (plugin BySize: GB).",
            "group size set",
            "set_group_size",
            "bands 10 --step merge",
            takes=("group_size",),
            files=_UNUSED,
        ),
        ActionKind(
            "clean",
            "DIRAC kills the jobs, and removes the tasks and the files that carry the "
            "transformation's ID.",
            "cleaning",
            "clean_transformation",
            'bands --run night-7 --reason "wrong calibration"',
            risky=True,
            typed=True,
            sets=S.CLEANING,
            means=REMOVED_TRANSFORMATION,
            files=(),
        ),
        ActionKind(
            "delete",
            "Transformations that are cleaned are forgotten; files are not touched.",
            "deleted",
            "delete_transformation",
            'bands --run night-7 --reason "cleaned, not needed"',
            risky=True,
            typed=True,
            files=(),
        ),
    )
}
