"""Computes what DIRAC's ProductionSystem records about a run, as values.

Invariant: a pure function of what was read. A final status that a person gave a production is not
changed back, and a production is Completed only when every member is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    WORKING_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.grid.status import ProductionStatus as S
from dirac_prodsys.core.plan.values import ProductionPlan

#: ``DIRAC/ProductionSystem/Utilities/StateMachine.py`` (9.1)
_NEXT: Mapping[str, frozenset[str]] = {
    S.NEW: frozenset({S.ACTIVE, S.CLEANED}),
    S.ACTIVE: frozenset({S.FLUSH, S.STOPPED, S.COMPLETED, S.CLEANED}),
    S.FLUSH: frozenset({S.ACTIVE, S.COMPLETED, S.CLEANED}),
    S.STOPPED: frozenset({S.ACTIVE, S.FLUSH, S.COMPLETED, S.CLEANED}),
    S.COMPLETED: frozenset({S.CLEANED}),
    S.CLEANED: frozenset(),
}


@dataclass(frozen=True)
class Member:
    """A transformation of a production.

    :param transformation: its ID.
    :param parents: IDs of the members whose files it takes.
    """

    transformation: int
    parents: tuple[int, ...] = ()


@dataclass(frozen=True)
class RegisteredProduction:
    """A production as recorded in the ProductionSystem.

    :param members: IDs of its transformations.
    :param adopted: True if it existed already.
    :param notes: what could not be entered, in words.
    """

    id: int
    name: str
    status: str
    members: frozenset[int] = frozenset()
    adopted: bool = False
    notes: tuple[str, ...] = ()


def may_become(status: str, wanted: str) -> bool:
    """Whether DIRAC's own clients would let a production in ``status`` become ``wanted``."""
    return wanted in _NEXT.get(status, frozenset())


def members_of(plan: ProductionPlan, ids: Mapping[str, int]) -> list[Member]:
    """Return the members of a run's production, parents before children.

    :param ids: transformation name → ID; a step without one is left out.
    """
    known = {step.name: ids.get(step.transformation.name) for step in plan.steps}
    members = []
    for step in plan.steps:
        own = known[step.name]
        parents = (known.get(name) for name in dict.fromkeys((*step.parents, *step.feeders)))
        if own is not None:
            members.append(Member(own, tuple(parent for parent in parents if parent is not None)))
    return members


def status_of(members: Collection[str], steps: int) -> S:
    """Return the status of a production, from the statuses of its transformations.

    A removed transformation does not count: its step began anew, or is given up.

    :param steps: number of transformations that it should have.
    """
    there = [status for status in members if status not in REMOVED_TRANSFORMATION]
    if members and not there:
        return S.CLEANED
    left = {status for status in there if status not in ENDED_TRANSFORMATION}
    if len(there) >= steps and not left:
        return S.COMPLETED
    if TransformationStatus.STOPPED in left and not left & WORKING_TRANSFORMATION:
        return S.STOPPED
    return S.ACTIVE


def description(plan: ProductionPlan, origin: str) -> str:
    """Return the text that ``dirac-prod-get-description`` shows of a run.

    It holds no ``stepID``: the ProductionSystem refuses to make transformations from it.

    :param origin: what made the production.
    """
    parents = {step.name: list(step.parents) for step in plan.steps}
    about = {"description": plan.description, "run": plan.run, "steps": parents}
    return json.dumps({origin: {**about, "production": plan.production}}, sort_keys=True)


def by_parents(members: Iterable[Member]) -> dict[tuple[int, ...], list[int]]:
    """Group members that are entered together: those with the same parents, in the order given."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for member in members:
        groups.setdefault(member.parents, []).append(member.transformation)
    return groups
