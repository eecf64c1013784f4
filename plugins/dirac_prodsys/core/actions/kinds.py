"""Defines the actions as data: one entry each, for form, command line and documents.

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


@dataclass(frozen=True)
class ActionKind:
    """One action.

    :param does: what it does, one sentence.
    :param done: what was done to one transformation, afterwards.
    :param risky: whether it cannot be undone: a reason is required, and a preview comes first.
    :param typed: whether it removes something: the name must be typed, and the run be named.
    :param takes: parameters of its own; exactly one must be given.
    :param sets: the state that it sets; empty: none.
    :param means: the states in which there is nothing more to set.
    :param files: states of the attached files that it concerns; empty: the output files.
    """

    name: str
    does: str
    done: str
    risky: bool = False
    typed: bool = False
    takes: tuple[str, ...] = ()
    sets: str = ""
    means: frozenset[str] = frozenset()
    files: tuple[str, ...] = (FileStatus.UNUSED, FileStatus.ASSIGNED)


_UNUSED = (FileStatus.UNUSED,)

ACTIONS: Mapping[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind(
            "start",
            "New transformations become Active.",
            "started",
            sets=S.ACTIVE,
            means=WORKING_TRANSFORMATION,
        ),
        ActionKind(
            "stop",
            "No task is made or submitted any more; jobs go on.",
            "stopped",
            sets=S.STOPPED,
            means=frozenset({S.STOPPED}),
        ),
        ActionKind(
            "resume",
            "Stopped transformations become Active again.",
            "resumed",
            sets=S.ACTIVE,
            means=WORKING_TRANSFORMATION,
        ),
        ActionKind(
            "flush",
            "Files left over make smaller groups.",
            "flushed",
            sets=S.FLUSH,
            means=frozenset({S.FLUSH}),
            files=_UNUSED,
        ),
        ActionKind(
            "complete",
            "Transformations are Completed as they are; what is not processed stays so.",
            "completed",
            risky=True,
            sets=S.COMPLETED,
            means=ENDED_TRANSFORMATION,
        ),
        ActionKind(
            "extend",
            "Tasks are added to transformations without input.",
            "extended",
            takes=("tasks", "events"),
        ),
        ActionKind(
            "set_group_size",
            "Tasks to come take another number of files (plugin BySize: GB).",
            "group size set",
            takes=("group_size",),
            files=_UNUSED,
        ),
        ActionKind(
            "clean",
            "DIRAC kills the jobs, and removes the tasks and the files that carry the "
            "transformation's ID.",
            "cleaning",
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
            risky=True,
            typed=True,
            files=(),
        ),
    )
}
