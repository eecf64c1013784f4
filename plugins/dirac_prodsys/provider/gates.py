"""What stands before a production and before the start of a step.

Invariant: a production or a step that waits for nothing gets no task, so that its DAG is what it
was; the order is fixed: first what is waited for, then a person, then the step.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from dirac_prodsys.core import loops
from dirac_prodsys.core.plan import ProductionPlan, StepPlan
from dirac_prodsys.core.production import Production
from dirac_prodsys.provider.approval import DiracApprovalOperator
from dirac_prodsys.provider.gate_sensor import DiracGateSensor


def before_production(production: Production, plan: ProductionPlan, task_id: str) -> list[Any]:
    """The task that asks before anything is created, if a person is to be asked."""
    if plan.approval is None:
        return []
    return [DiracApprovalOperator(task_id=task_id, production=production)]


def before_start(
    production: Production, step: StepPlan, create: BaseOperator, start: BaseOperator, *, late: bool
) -> BaseOperator:
    """The first of the tasks that lead to ``start``; itself, if the step waits for nothing.

    :param late: what the step waits for is its own input: it is created afterwards.
    """
    first = start
    if step.approval is not None:
        approve = DiracApprovalOperator(task_id="approve", production=production, step=step.name)
        approve >> first
        first = approve
    if step.gates:
        wait = DiracGateSensor(task_id="wait_for", production=production, step=step.name)
        wait >> first
        if late:
            wait >> create
            create >> first
        first = wait
    return first


def created_late(production: Production, plan: ProductionPlan) -> frozenset[str]:
    """Steps that are created when the run is under way.

    Their own input, or that of a step before them, is a dataset that is waited for, or what a loop
    comes to; or they are a pass of a loop after the first.
    """
    late: set[str] = set()
    for step in plan.steps:
        turn = production.step(step.name).turn
        again = turn is not None and turn.number > 1
        taken = loops.foreign(production, step.name, step.feeders).keys() - set(step.after)
        before = late.intersection((*step.parents, *step.feeders))
        if step.waits_for_input or again or taken or before:
            late.add(step.name)
    return frozenset(late)
