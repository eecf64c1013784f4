"""Defines the base of tasks that serve a whole production, and no single step.

Invariant: as for all our tasks; the plan is that of the run, made anew from the production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.provider.site import demand_allowed
from dirac_prodsys.provider.tasks.base import DiracOperator
from dirac_prodsys.provider.tasks.run_plan import RunPlan, last_passes

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiracProductionOperator(DiracOperator):
    """Base of tasks that know all steps.

    :param production: held by reference and never serialised.
    """

    operator_extra_links: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, *, production: Production, **kwargs: Any) -> None:
        super().__init__(production=production, step=production.steps[0].name, **kwargs)
        self.whole = production
        self.step = None
        self._plan: RunPlan = RunPlan(production)

    def whole_plan(self, context: Context) -> ProductionPlan:
        """Return the plan of this run, without passes that a finished loop does not need.

        The contents of datasets are not looked up.

        :raises AirflowFailException: the production cannot be planned, or does what the site does
            not allow.
        """
        last = last_passes(context, self.whole.loops)
        try:
            plan = self._plan.of(context, last)
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None
        if self.asks_site:
            demand_allowed(context, self.whole, plan, self.dirac_conn_id)
        return plan.ended(last)
