"""Defines the base of tasks that serve one step of a production, or one written in a DAG by hand.

Invariant: as for all our tasks. The plan of the step is that of the run, made anew from the
production; a task that writes to the grid has it checked by the site's limits each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dirac_prodsys.core.grid.specs import DatasetSpec, TransformationSpec
from dirac_prodsys.core.plan import loops
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.steps.lost_inputs import makers
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord
from dirac_prodsys.provider.addresses.links import TransformationLink, transformation_url
from dirac_prodsys.provider.deployment.site import demand_allowed
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.tasks.base import DiracTask
from dirac_prodsys.provider.tasks.run_plan import RunPlan, last_passes

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production


class StepTask(DiracTask):
    """Base of tasks that serve one step.

    :param production: the production, held by reference and never serialised; with ``step``.
    :param step: name of the step that the task serves.
    :param spec: instead of both, a complete ``TransformationSpec`` (or its dict), for DAGs
        written by hand.
    """

    operator_extra_links: ClassVar[tuple[Any, ...]] = (TransformationLink(),)
    #: type of ``spec`` for this operator
    spec_type: ClassVar[type[TransformationSpec | DatasetSpec]] = TransformationSpec

    def __init__(
        self,
        *,
        production: Production | None = None,
        step: str | None = None,
        spec: TransformationSpec | DatasetSpec | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(production=production, **kwargs)
        if (production is not None and step is not None) == (spec is not None):
            raise ValueError(f"{self.task_id}: give either production= and step=, or spec=")
        if production is not None and step is not None:
            production.step(step)
        self.step = step
        self.spec = self.spec_type.model_validate(spec) if spec is not None else None
        #: address in the DIRAC portal, for the link; set once the ID is known
        self.transformation_url = ""
        self._run_plan = RunPlan(production) if production is not None else None

    def makers(
        self, context: Context, state: Mapping[str, Any] | None = None
    ) -> list[TransformationSpec]:
        """Return the transformations with jobs that make the files of the task's step in this run.

        :param state: as for :meth:`on_grid`.
        :raises AirflowFailException: the production cannot be planned.
        """
        if self.production is None or self.step is None:
            return []
        plan = self._planned(context)
        names = makers(self.step, {step.name: step for step in plan.steps})
        needed = sorted({each for name in names for each in plan.needed_for(name)})
        if needed:
            plan = self._planned(context, needed, state)
        return [plan.step(name).transformation for name in names]

    def plan(
        self,
        context: Context,
        state: Mapping[str, Any] | None = None,
        *,
        with_datasets: bool = True,
        of: str = "",
    ) -> StepPlan:
        """Return the plan of the step in this run.

        :param state: as for :meth:`on_grid`.
        :param with_datasets: look up the datasets that the step depends on. Without them, body,
            queries and directories may be missing; all else is there.
        :param of: name of another step of the production; empty: the task's own step.
        :raises AirflowFailException: the production cannot be planned, or does what the site does
            not allow.
        """
        if self.production is not None and self.step is not None:
            plan = self.plan_of_run(context, state, with_datasets=with_datasets)
            return plan.step(of or self.step)
        spec = self.spec
        if not isinstance(spec, TransformationSpec):
            raise ValueError(f"{self.task_id}: has neither a production nor a TransformationSpec")
        rules = StepRules(
            needs_input=spec.input_query is not None or bool(spec.files),
            tasks=spec.tasks,
            listed=len(spec.files) or None,
        )
        return StepPlan(
            name=spec.name,
            transformation=spec,
            dataset=None,
            parents=(),
            start="streaming",
            rules=rules,
        )

    def plan_of_run(
        self,
        context: Context,
        state: Mapping[str, Any] | None = None,
        *,
        with_datasets: bool = True,
    ) -> ProductionPlan:
        """Return the plan of all steps of the production in this run; see :meth:`plan`."""
        plan = self._planned(context)
        needed = plan.needed_for(str(self.step)) if with_datasets else ()
        if needed:
            plan = self._planned(context, needed, state)
        if self.asks_site and self.production is not None:
            demand_allowed(context, self.production, plan, self.dirac_conn_id)
        return plan

    def _planned(
        self,
        context: Context,
        datasets: Iterable[str] = (),
        state: Mapping[str, Any] | None = None,
    ) -> ProductionPlan:
        if self._run_plan is None or self.step is None:
            raise ValueError(f"{self.task_id}: serves no step of a production")
        production = self._run_plan.production
        deciding = loops.deciding_loops(production, self.step) if production.loops else ()

        def look_up(missing: Iterable[str]) -> dict[str, Mapping[str, Any]]:
            return self.on_grid(
                lambda grid: {name: grid.dataset_query(name) for name in missing}, state
            )

        return self._run_plan.of(context, last_passes(context, deciding), datasets, look_up)

    def find(self, gateway: ProductionGateway, name: str) -> TransformationRecord:
        """Return the newest transformation of a step.

        :param name: name of the step's first transformation (see ``core/run/fresh_starts.py``).
        :raises NotFound: there is none.
        """
        record = find_newest(gateway, [name]).get(name)
        if record is None:
            raise NotFound(
                f"there is no transformation {name!r}",
                "clear the task that creates it, with what comes after it, to make it",
            )
        return record

    def remember_link(self, transformation: int, name: str) -> None:
        """Let the task's link lead to this transformation."""
        settings = DiracHook(self.dirac_conn_id).settings()
        self.transformation_url = transformation_url(settings, transformation, name)
