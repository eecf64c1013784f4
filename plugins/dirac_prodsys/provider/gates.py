"""What stands before the start of a step.

Invariant: a step that waits for nothing gets no task, so that its DAG is what it was; the order is
fixed: first what is waited for, then a person, then the step.
"""

from __future__ import annotations

from airflow.sdk import BaseOperator

from dirac_prodsys.core.plan import StepPlan
from dirac_prodsys.core.production import Production
from dirac_prodsys.provider.approval import DiracApprovalOperator
from dirac_prodsys.provider.gate_sensor import DiracGateSensor


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
