"""Metadata of an output that tell nothing apart: no child and no dataset would miss them.

A field is of use if somebody who takes the output asks for less of it than there is, or would
without it take files of another step, too. What every run and every production must have of its
own, ``run`` and ``production`` by value, is of use on any grid that holds more than one of them.

Invariant: decided by the plan alone; what happens to lie on a grid has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.plan_values import ProductionPlan, StepPlan


def unneeded(plan: ProductionPlan, step: StepPlan) -> tuple[str, ...]:
    """Fields of the step's output that nobody needs; none if nobody takes from it."""
    output = step.transformation.output_query
    takers = list(_takers(plan, step))
    if output is None or not takers:
        return ()
    others = [
        other.transformation.output_query
        for other in plan.steps
        if other.name != step.name and other.transformation.output_query is not None
    ]
    own = {plan.production, plan.run}
    return tuple(
        name
        for name in output.fields
        if not own & set(map(str, output.listed.get(name, ())))
        and not any(_needs(taker, name, output, others) for taker in takers)
    )


def _needs(taker: MetaQuery, name: str, output: MetaQuery, others: list[MetaQuery]) -> bool:
    asked = taker.only(name)
    if asked.is_empty:
        return False
    if not asked.subsumes(output.only(name)):
        return True
    rest = taker.only(*(field for field in taker.fields if field != name))
    return any(_meets(rest, other) and not _meets(taker, other) for other in others)


def _meets(query: MetaQuery, output: MetaQuery) -> bool:
    """Whether a file of that output may match: it has the fields, with values that fit."""
    return set(query.fields) <= set(output.fields) and query.intersects(output)


def _takers(plan: ProductionPlan, step: StepPlan) -> Iterator[MetaQuery]:
    for other in plan.steps:
        query = other.transformation.input_query
        if query is not None and step.name in (*other.parents, *other.feeders):
            yield query
    if step.dataset is not None:
        yield step.dataset.query
