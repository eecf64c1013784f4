"""Decides which completed steps of a run take the files that came since, and as which generation.

Invariant: pure. A step is reopened only if it is known which files earlier generations have taken,
and while no other generation of its run is at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dirac_prodsys.core import naming
from dirac_prodsys.core.actions.decision_table import ActionDecision
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION

#: most generations of a run, the first included
MOST = 99


@dataclass(frozen=True)
class Came:
    """What came for a completed step since.

    :param files: number of files that no generation has taken; ``bytes``: their size.
    :param refused: why it cannot be known; empty: it is known.
    """

    files: int = 0
    bytes: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Generations:
    """The generations of a run, as the grid has them.

    :param run: tag of the first.
    :param last: number of the last one; 1: there is no later one.
    :param at_work: names of transformations of it, or of later ones, that have not ended.
    """

    run: str
    last: int
    at_work: tuple[str, ...]


def generations(production: str, run: str, listed: Iterable[Listed]) -> Generations:
    """Return the generations of a run.

    :param run: tag of the first one.
    :param listed: all transformations of its production, and perhaps of others.
    """
    last, at_work = 1, []
    for one in listed:
        parts = naming.name_parts(one.name)
        if parts is None or not parts.production == one.group == production:
            continue
        later = naming.generation_of(parts.run)
        if later is None or later[0] != run:
            continue
        last = max(last, later[1])
        if one.status not in ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION:
            at_work.append(one.name)
    return Generations(run, last, tuple(sorted(at_work)))


def reopened(
    decision: ActionDecision, name: str, found: Generations | None, came: Came | None
) -> ActionDecision:
    """Return the decision about a completed step, once it is known what came for it.

    :param decision: the one by its state.
    :param name: of its transformation.
    :param found: the generations of its run; None: nobody has looked yet.
    :param came: None: nobody has looked yet.
    """
    parts = naming.name_parts(name)
    later = None if parts is None else naming.generation_of(parts.run)
    if decision.answer != "act":
        return decision
    if parts is None:
        return ActionDecision("refuse", "we did not create it: its step is not known")
    if later is not None:
        return ActionDecision("leave", f"generation {later[1]} of run {later[0]}: reopen that run")
    if found is None or came is None:
        return decision
    if found.at_work:
        return ActionDecision(
            "refuse", f"a later generation is at work, and is to be complete: {found.at_work[0]}"
        )
    if came.refused:
        return ActionDecision("refuse", came.refused)
    if not came.files:
        return ActionDecision("leave", "no files came that it has not taken")
    number = found.last + 1
    if number > MOST:
        return ActionDecision("refuse", f"its run has {MOST} generations: begin a new run")
    run = naming.generation_id(found.run, number)
    return replace(decision, why=f"{came.files} new files → run {run}", tasks=number)


def steps_of_runs(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Map each run to its steps among these transformations, in their order."""
    found: dict[str, list[str]] = {}
    for name in names:
        parts = naming.name_parts(name)
        if parts is not None:
            found.setdefault(parts.run, []).append(parts.step)
    return {run: tuple(dict.fromkeys(steps)) for run, steps in found.items()}
