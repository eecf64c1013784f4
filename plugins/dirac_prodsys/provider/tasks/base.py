"""Defines what all our tasks share: the step they serve, their access to the grid, outages.

Invariant: a production does not fail because its grid was down. A task that finds DIRAC
unavailable tries again for a while in the worker, then defers until the grid answers and starts
its work anew: no Airflow retry is spent and no worker slot is held. That is safe because every
verb of the gateway may be repeated.

An error that a person must repair (a conflict, a refusal, a removed transformation) fails at once
with its reason and hint. A refused proxy costs Airflow retries, because sites renew proxies by
themselves.

Jinja renders nothing that a user wrote: no operator here has template fields. A message to people
stands alone: no error of the grid carries the traceback of another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay
from tenacity import wait_random_exponential as backoff

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.specs import DatasetSpec, TransformationSpec
from dirac_prodsys.core.plan import loops
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.steps.lost_inputs import makers
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import (
    DefinitionError,
    GatewayDenied,
    GatewayUnavailable,
    NotFound,
    NotYet,
    ProdsysError,
)
from dirac_prodsys.gateway.procedures.newest import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.links import TransformationLink, transformation_url
from dirac_prodsys.provider.people.params import given_values
from dirac_prodsys.provider.site import demand_allowed
from dirac_prodsys.provider.tasks.passes import last_passes
from dirac_prodsys.provider.waiting.event_time import earliest_event

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

T = TypeVar("T")

#: seconds that a worker tries by itself before the task defers
OUTAGE_PATIENCE = 120.0
#: seconds that a deferred task waits for the grid to come back before it costs a retry: 7 days
OUTAGE_LIMIT = 7 * 86400.0


class DiracOperator(BaseOperator):
    """Base of all tasks of a production; subclasses define their work in :meth:`work`.

    :param production: the production, held by reference and never serialised; with ``step``.
    :param step: name of the step that the task serves.
    :param spec: instead of both, a complete ``TransformationSpec`` (or its dict), for DAGs
        written by hand.
    :param dirac_conn_id: connection of type ``dirac``; default: the production's.
    :param outage_patience: seconds that the worker tries by itself when the grid is down.
    """

    template_fields: Sequence[str] = ()
    operator_extra_links: ClassVar[tuple[Any, ...]] = (TransformationLink(),)
    ui_color = "#e8f0fa"
    #: type of ``spec`` for this operator
    spec_type: ClassVar[type[TransformationSpec | DatasetSpec]] = TransformationSpec
    #: False: the task serves no single step, and takes neither ``production`` nor ``spec``
    serves_step: ClassVar[bool] = True
    #: True: the task writes to the grid, so the plan of its run must keep to the site's limits
    asks_site: ClassVar[bool] = False

    def __init__(
        self,
        *,
        production: Production | None = None,
        step: str | None = None,
        spec: TransformationSpec | DatasetSpec | Mapping[str, Any] | None = None,
        dirac_conn_id: str | None = None,
        outage_patience: float = OUTAGE_PATIENCE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = (production is not None and step is not None, spec is not None)
        if given.count(True) != int(self.serves_step):
            raise ValueError(f"{self.task_id}: give either production= and step=, or spec=")
        if production is not None and step is not None:
            production.step(step)
        self.production = production
        self.step = step
        self.spec = self.spec_type.model_validate(spec) if spec is not None else None
        self.dirac_conn_id = dirac_conn_id or (
            production.connection if production else DiracHook.default_conn_name
        )
        self.outage_patience = outage_patience
        #: address in the DIRAC portal, for the link; set once the ID is known
        self.transformation_url = ""

    def execute(self, context: Context) -> Any:
        """Do the work."""
        return self.work(context, {})

    def work(self, context: Context, state: Mapping[str, Any]) -> Any:
        """Do the task's own work; must be safe to begin anew at any time.

        :param state: state left by an attempt that met an outage; empty at first.
        """
        raise NotImplementedError

    def after_outage(
        self, context: Context, event: Mapping[str, Any] | None = None, **_ignored: Any
    ) -> Any:
        """Begin anew when the grid answers again."""
        event = event or {}
        if event.get("kind") == "timeout":
            raise AirflowException(
                f"DIRAC ({self.dirac_conn_id}) was down for {OUTAGE_LIMIT / 86400:g} days: "
                f"{event.get('reason')}"
            )
        self.log.info("%s; going on", event.get("reason") or "DIRAC answers again")
        return self.work(context, event.get("state") or {})

    def makers(
        self, context: Context, state: Mapping[str, Any] | None = None
    ) -> list[TransformationSpec]:
        """Return the transformations with jobs that make the files of the task's step in this run.

        :param state: as for :meth:`on_grid`.
        :raises AirflowFailException: the production cannot be planned.
        """
        if self.production is None or self.step is None:
            return []
        run, values = naming.run_tag(str(context["run_id"])), given_values(context)
        given: dict[str, Any] = {"run": run, "parameters": values}
        given["last"] = self._last_passes(context)
        try:
            compiled = compile(self.production, **given)
            names = makers(self.step, {step.name: step for step in compiled.steps})
            needed = sorted({each for name in names for each in compiled.needed_for(name)})
            if needed:
                queries = self.on_grid(lambda grid: _queries(grid, needed), state)
                compiled = compile(self.production, datasets=queries, **given)
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None
        return [compiled.step(name).transformation for name in names]

    def plan(
        self,
        context: Context,
        state: Mapping[str, Any] | None = None,
        *,
        whole: bool = True,
        of: str = "",
    ) -> StepPlan:
        """Return the plan of the step in this run.

        :param state: as for :meth:`on_grid`.
        :param whole: look up the datasets that the step depends on. Without them, body, queries and
            directories may be missing; all else is there.
        :param of: name of another step of the production; empty: the task's own step.
        :raises AirflowFailException: the production cannot be planned, or does what the site does
            not allow.
        """
        if self.production is not None and self.step is not None:
            return self.plan_of_run(context, state, whole=whole).step(of or self.step)
        spec = self._given_spec()
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
        self, context: Context, state: Mapping[str, Any] | None = None, *, whole: bool = True
    ) -> ProductionPlan:
        """Return the plan of all steps of the production in this run; see :meth:`plan`."""
        if self.production is None or self.step is None:
            raise ValueError(f"{self.task_id}: serves no step of a production")
        run = naming.run_tag(str(context["run_id"]))
        try:
            values = given_values(context)
            last = self._last_passes(context)
            compiled = compile(self.production, run=run, parameters=values, last=last)
            needed = compiled.needed_for(self.step)
            if whole and needed:
                queries = self.on_grid(lambda grid: _queries(grid, needed), state)
                compiled = compile(
                    self.production, run=run, parameters=values, datasets=queries, last=last
                )
            if self.asks_site:
                demand_allowed(context, self.production, compiled, self.dirac_conn_id)
            return compiled
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None

    def _last_passes(self, context: Context) -> dict[str, int]:
        """Return the last passes of the loops that decide what the step takes."""
        if self.production is None or self.step is None or not self.production.loops:
            return {}
        return last_passes(context, loops.deciding_loops(self.production, self.step))

    def on_grid(
        self, call: Callable[[ProductionGateway], T], state: Mapping[str, Any] | None = None
    ) -> T:
        """Call ``call`` with the connection's gateway so that it survives an outage.

        :param call: may be called several times.
        :param state: JSON, given to :meth:`work` when the outage outlives the worker's patience.
        :raises TaskDeferred: DIRAC stayed down.
        :raises AirflowFailException: the error will not go away by itself.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(GatewayUnavailable),
            stop=stop_after_delay(self.outage_patience),
            wait=backoff(multiplier=1, max=15),
            before_sleep=self._tell_outage,
            reraise=True,
        )
        try:
            hook = DiracHook(self.dirac_conn_id)
            self._check_vo(hook)
            return attempts(call, hook.gateway())
        except GatewayUnavailable as error:
            self._defer_for_outage(error, state)
        except (GatewayDenied, NotYet) as error:
            raise AirflowException(str(error)) from None
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None

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

    def _given_spec(self) -> TransformationSpec:
        if not isinstance(self.spec, TransformationSpec):
            raise ValueError(f"{self.task_id}: has neither a production nor a TransformationSpec")
        return self.spec

    def _check_vo(self, hook: DiracHook) -> None:
        vo = hook.settings().vo
        if self.production is not None and vo and vo != self.production.vo:
            raise DefinitionError(
                f"production {self.production.name!r} belongs to VO {self.production.vo!r}, "
                f"connection {self.dirac_conn_id!r} to {vo!r}",
                "name a connection of that VO as 'connection' in the production",
            )

    def _tell_outage(self, attempt: RetryCallState) -> None:
        if attempt.attempt_number == 1 and attempt.outcome is not None:
            error = attempt.outcome.exception()
            self.log.warning(
                "DIRAC (%s) does not answer, trying on for %g s: %s",
                self.dirac_conn_id,
                self.outage_patience,
                getattr(error, "reason", error),
            )

    def _defer_for_outage(self, error: GatewayUnavailable, state: Mapping[str, Any] | None) -> None:
        from dirac_prodsys.provider.triggers import DiracGatewayTrigger

        self.log.warning(
            "DIRAC (%s) is still down, waiting without a worker: %s",
            self.dirac_conn_id,
            error.reason,
        )
        self.defer(
            trigger=DiracGatewayTrigger(
                dirac_conn_id=self.dirac_conn_id,
                state=state,
                deadline=time.time() + OUTAGE_LIMIT,
                not_before=earliest_event(),
            ),
            method_name="after_outage",
        )


def _queries(gateway: ProductionGateway, datasets: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    return {name: gateway.dataset_query(name) for name in datasets}
