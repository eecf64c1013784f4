"""Finds output metadata that no child or dataset uses.

A field is used if a child or dataset asks for fewer of its values than exist, or would without it
take files of another step, too; if any of several fields would do, the last one counts as used.
Fields whose values every run or production has of its own (``run`` and ``production``) are used on
any grid with more than one of them.

Invariant: decided by the plan alone; the present content of a grid does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.step_plan import StepPlan


def unneeded(plan: ProductionPlan, step: StepPlan) -> tuple[str, ...]:
    """Return the unused fields of the step's output; none if no child or dataset takes it."""
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
    needed = set(output.fields)
    for name in output.fields:
        its_own = own & set(map(str, output.listed.get(name, ())))
        narrowed = any(_narrows(taker, name, output) for taker in takers)
        if its_own or narrowed:
            continue
        rest = needed - {name}
        if not any(_strays(taker, rest, output, others) for taker in takers):
            needed = rest
    return tuple(name for name in output.fields if name not in needed)


def _narrows(taker: MetaQuery, name: str, output: MetaQuery) -> bool:
    """Whether it asks for fewer values of the field than exist."""
    asked = taker.only(name)
    return not asked.is_empty and not asked.subsumes(output.only(name))


def _strays(taker: MetaQuery, kept: set[str], output: MetaQuery, others: list[MetaQuery]) -> bool:
    """Whether it would take files of another step, if the output had only these fields."""
    fields = (field for field in taker.fields if field in kept or field not in output.fields)
    rest = taker.only(*fields)
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
