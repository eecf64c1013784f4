"""Defines the base of tasks that serve a whole production, and no single step.

Invariant: as for all our tasks; the plan is that of the run, made anew from the production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.provider.deployment.site import demand_allowed
from dirac_prodsys.provider.tasks.base import DiracTask
from dirac_prodsys.provider.tasks.run_plan import RunPlan, last_passes

if TYPE_CHECKING:
    from airflow.sdk import Context


class ProductionTask(DiracTask):
    """Base of tasks that know all steps.

    :param production: held by reference and never serialised.
    """

    production: Production

    def __init__(self, *, production: Production, **kwargs: Any) -> None:
        super().__init__(production=production, **kwargs)
        self._run_plan = RunPlan(production)

    def plan(self, context: Context) -> ProductionPlan:
        """Return the plan of this run, without passes that a finished loop does not need.

        The contents of datasets are not looked up.

        :raises AirflowFailException: the production cannot be planned, or does what the site does
            not allow.
        """
        last = last_passes(context, self.production.loops)
        plan = self._run_plan.of(context, last)
        if self.asks_site:
            demand_allowed(context, self.production, plan, self.dirac_conn_id)
        return plan.ended(last)
