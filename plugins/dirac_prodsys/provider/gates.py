"""What stands before a production and before the start of a step.

Invariant: a production or a step that waits for nothing gets no task, so that its DAG is what it
was; the order is fixed: first what is waited for, then a person, then the step.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from dirac_prodsys.core.plan import ProductionPlan, StepPlan
from dirac_prodsys.core.production import Production
from dirac_prodsys.provider.approval import DiracApprovalOperator


def before_production(production: Production, plan: ProductionPlan, task_id: str) -> list[Any]:
    """The task that asks before anything is created, if a person is to be asked."""
    if plan.approval is None:
        return []
    return [DiracApprovalOperator(task_id=task_id, production=production)]


def before_start(production: Production, step: StepPlan, start: BaseOperator) -> BaseOperator:
    """The first of the tasks that lead to ``start``; itself, if the step waits for nothing."""
    first = start
    if step.approval is not None:
        approve = DiracApprovalOperator(task_id="approve", production=production, step=step.name)
        approve >> first
        first = approve
    return first
