"""Compares a plan with the grid, for ``plan --live`` and ``diff FILE --live``.

Invariant: read-only; reports every transformation and dataset of the plan once, and every other
transformation that the grid has of the same run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.specs import DatasetSpec
    from dirac_prodsys.core.plan.against_grid import GridComparison, Meeting
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.core.production.production import Production
    from dirac_prodsys.gateway.protocol import ProductionGateway

#: state → the sign before it, and its name
WORDS = {
    "new": ("+", "new"),
    "equal": ("=", "there already, and adopted"),
    "unfinished": ("~", "half made by a creation that died; made anew"),
    "conflict": ("!", "there already, and another"),
    "unknown": ("?", "there, and not of this plan"),
}


def look_up_datasets(
    gateway: ProductionGateway,
    production: Production,
    run: str,
    values: Mapping[str, Any] | None,
    known: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the queries of all datasets that the production takes, from the catalogue.

    :param known: queries by dataset name that replace the catalogue's.
    """
    from dirac_prodsys.core.plan.compile import compile as compile_plan

    found = dict(known)
    plan = compile_plan(production, run=run, parameters=values, datasets=found)
    for name in plan.unresolved:
        try:
            found[name] = gateway.dataset_query(name)
        except NotFound:
            continue  # the plan reports what it lacks
    return found


def compare(gateway: ProductionGateway, plan: ProductionPlan) -> GridComparison:
    """Return what the grid has under the names of the plan."""
    from dirac_prodsys.core.plan.against_grid import GridComparison, step_of

    specs = [step.transformation for step in plan.steps]
    meetings = []
    for meeting in gateway.compare_transformations(specs, plan.production):
        step = step_of(meeting.name, plan)
        if step is not None:
            meetings.append(replace(meeting, step=step))
    for one in plan.steps:
        if one.dataset is not None:
            meetings.append(replace(_dataset(gateway, one.dataset), step=one.name))
    return GridComparison(plan.production, plan.run, tuple(meetings))


def _dataset(gateway: ProductionGateway, wanted: DatasetSpec) -> Meeting:
    from dirac_prodsys.core.plan.against_grid import Meeting
    from dirac_prodsys.core.query.difference import differences
    from dirac_prodsys.core.query.meta_query import MetaQuery

    there = gateway.find_dataset(wanted.name)
    if there is not None:
        found = MetaQuery.from_dirac(there.query)
        if found == wanted.query:
            return Meeting(wanted.name, "equal", kind="dataset")
        lines = tuple(f"query: {line}" for line in differences(wanted.query, found))
        return Meeting(wanted.name, "conflict", lines, kind="dataset")
    try:
        gateway.dataset_query(wanted.name.rsplit("/", 1)[-1])
    except NotFound:
        return Meeting(wanted.name, "new", kind="dataset")
    lines = ("name: another directory has a dataset of the same last name",)
    return Meeting(wanted.name, "conflict", lines, kind="dataset")


def lines(comparison: GridComparison) -> Iterator[str]:
    """Yield the comparison in lines for a person."""
    for one in comparison.meetings:
        sign, _ = WORDS[one.state]
        yield f"{sign} {one.step or one.name}: {one.kind} {in_words(one)}"
        for line in one.differences:
            yield f"    {line}"


def in_words(one: Meeting) -> str:
    """Describe in a few words what the grid has under one name."""
    words = WORDS[one.state][1]
    if one.state == "unknown" and one.step:
        words = "made anew"
    there = one.standing
    if there is None:
        return words
    counts = [
        f"{sum(found.values())} {what}"
        for what, found in (("tasks", there.tasks), ("files", there.files))
        if found
    ]
    again = f" as {there.name}" if one.state == "unknown" and one.step else ""
    return f"{words}{again}: {', '.join([f'ID {there.id}', there.status, *counts])}"
