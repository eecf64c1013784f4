"""Defines what all our tasks share: a connection to the grid, and patience when it is down.

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
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay
from tenacity import wait_random_exponential as backoff

from dirac_prodsys.errors import (
    DefinitionError,
    GatewayDenied,
    GatewayUnavailable,
    NotYet,
    ProdsysError,
)
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.reporting.task_records import TaskRecords
from dirac_prodsys.provider.waiting.event_time import earliest_event

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

T = TypeVar("T")

#: seconds that a worker tries by itself before the task defers
OUTAGE_PATIENCE = 120.0
#: seconds that a deferred task waits for the grid to come back before it costs a retry: 7 days
OUTAGE_LIMIT = 7 * 86400.0


class DiracTask(BaseOperator):
    """Base of all our tasks; subclasses define their work in :meth:`work`.

    :param production: the production that the task serves, if it serves one.
    :param dirac_conn_id: connection of type ``dirac``; default: the production's.
    :param outage_patience: seconds that the worker tries by itself when the grid is down.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#e8f0fa"
    #: True: the task writes to the grid, so the plan of its run must keep to the site's limits
    asks_site: ClassVar[bool] = False

    def __init__(
        self,
        *,
        production: Production | None = None,
        dirac_conn_id: str | None = None,
        outage_patience: float = OUTAGE_PATIENCE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.production = production
        self.dirac_conn_id = dirac_conn_id or (
            production.connection if production else DiracHook.default_conn_name
        )
        self.outage_patience = outage_patience

    def execute(self, context: Context) -> Any:
        """Do the work."""
        return self.work(context, {})

    def records(self, context: Context) -> TaskRecords:
        """Return what the task writes its records of the ledger to."""
        return TaskRecords(context, self.production, getattr(self, "step", None) or "")

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
