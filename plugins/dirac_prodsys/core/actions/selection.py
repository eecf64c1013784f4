"""Selects the transformations of an action: of ours, those that were asked for.

A transformation is ours if its name has the form of a plan's names, ``production__run__step``, and
its TransformationGroup is that production: both are written by the call that creates it. It belongs
to the connection's VO if the group of its author is of that VO.

Invariant: a transformation that is not ours is selected only by its whole name and with force.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.naming import NameParts, means_run, name_parts


@dataclass(frozen=True)
class Selection:
    """The transformations of an action.

    :param listed: the selected transformations, in the order of their IDs.
    :param left_out: matching transformations that are not ours, and why.
    """

    listed: tuple[Listed, ...]
    left_out: tuple[str, ...] = ()


def select(request: ActionRequest, candidates: Iterable[Listed], *, vo: str) -> Selection:
    """Return those of the candidates that match.

    :param vo: the connection's VO.
    """
    chosen: list[Listed] = []
    left_out: list[str] = []
    for one in sorted(candidates, key=lambda each: each.id):
        if request.states and one.status not in request.states:
            continue
        parts = name_parts(one.name)
        foreign = _foreign(one, parts, vo)
        if parts is None or foreign:
            # those of others may have no run and no step: only their whole name identifies them
            if request.force and one.name == request.production:
                missing = _filtered(request, parts)
                if not missing:
                    chosen.append(one)
                else:
                    left_out.append(f"{one.id} {one.name}: {missing}")
            elif fnmatchcase(one.name, request.production) or (parts and _meant(request, parts)):
                left_out.append(f"{one.id} {one.name}: {foreign}")
        elif _meant(request, parts):
            chosen.append(one)
    return Selection(tuple(chosen), tuple(left_out))


def _foreign(one: Listed, parts: NameParts | None, vo: str) -> str:
    """Say why it is not ours; empty if it is."""
    if parts is None or parts.production != one.group:
        return "we did not create it"
    if not vo or one.vo != vo:
        return f"its author is of {one.author_group or 'an unknown group'}, not of VO {vo or '?'}"
    return ""


def _filtered(request: ActionRequest, parts: NameParts | None) -> str:
    """Say why the requested run and steps exclude it; empty: they do not."""
    if not set(request.run) - {"*"} and not request.steps:
        return ""
    if parts is None:
        return "it has no run and no step: name it alone"
    return (
        "" if _of_run_and_step(request, parts) else f"it is of run {parts.run}, step {parts.step}"
    )


def _meant(request: ActionRequest, parts: NameParts) -> bool:
    return fnmatchcase(parts.production, request.production) and _of_run_and_step(request, parts)


def _of_run_and_step(request: ActionRequest, parts: NameParts) -> bool:
    return _of_run(request.run, parts) and any(
        fnmatchcase(parts.step, step) for step in request.steps or ("*",)
    )


def _of_run(run: str, parts: NameParts) -> bool:
    # those of others may have any name there
    return not run or run == parts.run or means_run(run, parts.run)
