"""Enters runs in DIRAC's ProductionSystem, so that its commands and its portal show them.

``verify`` comes after ``register``, whatever way that ended, and before every start, because the
ProductionSystem takes New transformations only. A transformation that is created during the run is
entered by a task of its own step, see :mod:`.registry_late`.

Invariant: a run never fails, waits or retries because of the ProductionSystem. If an entry fails,
the log reports it, ``register`` is skipped, and the production goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.status import ProductionStatus
from dirac_prodsys.core.run.registry import RegisteredProduction, description, members_of, status_of
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.tasks.production_task import ProductionTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.plan.values import ProductionPlan

log = logging.getLogger(__name__)

#: delay between two tries of ``register``; short, because other tasks wait for it
_RETRY_DELAY = timedelta(seconds=10)


class DiracRegisterProductionOperator(ProductionTask):
    """Enter the run's production with its members, and set it Active.

    Returns ``{"id", "name", "status", "members", "notes"}``; skipped where that is impossible.
    """

    def __init__(self, **kwargs: Any) -> None:
        # a short and constant delay, because the run waits for it
        super().__init__(
            **{"retry_delay": _RETRY_DELAY, "retry_exponential_backoff": False, **kwargs}
        )

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Try once: nobody waits for the ProductionSystem."""
        try:
            found = self._register(context)
        except ProdsysError as error:
            raise AirflowSkipException(
                f"not entered in the ProductionSystem, the production goes on: {error.reason}"
            ) from error
        for note in found.notes:
            self.log.warning("%s", note)
        self.log.info(
            "%s production %d %s with %d transformations, %s",
            "adopted" if found.adopted else "entered",
            found.id,
            found.name,
            len(found.members),
            found.status,
        )
        return {
            "id": found.id,
            "name": found.name,
            "status": found.status,
            "members": sorted(found.members),
            "notes": list(found.notes),
        }

    def _register(self, context: Context) -> RegisteredProduction:
        hook, plan = DiracHook(self.dirac_conn_id), self.plan(context)
        if not hook.settings().registry:
            raise AirflowSkipException("the connection has registry: false")
        gateway = hook.gateway()
        names = [step.transformation.name for step in plan.steps]
        ids = {name: record.id for name, record in find_newest(gateway, names).items()}
        name = naming.registered_name(plan.production, plan.run)
        about = description(plan, "dirac_prodsys")
        found = gateway.register_production(name, about, members_of(plan, ids))
        status = gateway.mark_production(name, ProductionStatus.ACTIVE)
        return RegisteredProduction(
            found.id, found.name, status, found.members, found.adopted, found.notes
        )


def tell_status(gateway: ProductionGateway, plan: ProductionPlan, status: str = "") -> str:
    """Set the status of the run's entry in the ProductionSystem; return the status it then has.

    :param status: ``Active``, ``Stopped`` or ``Completed``; empty: derive it from the
        transformations.
    :return: empty if the run was never entered, or is not to be.
    :raises GatewayError: the ProductionSystem refuses or fails. Nothing depends on it: report it,
        and go on.
    """
    if not gateway.settings.registry:
        return ""
    name = naming.registered_name(plan.production, plan.run)
    if status:
        return gateway.mark_production(name, status) if gateway.find_production(name) else ""
    # transformations that are created during the run may not have been entered
    return follow(gateway, name, 0 if plan.grows else len(plan.steps))


def follow(gateway: ProductionGateway, name: str, steps: int = 0) -> str:
    """Set an entry in the ProductionSystem to the status that its transformations give it.

    :param name: ``production__run``.
    :param steps: number of transformations that it should have.
    :return: the status; empty if there is no such entry, or none is wanted.
    :raises GatewayError: as for :func:`tell_status`.
    """
    if not gateway.settings.registry:
        return ""
    found = gateway.find_production(name)
    if found is None:
        return ""
    seen = gateway.snapshot(sorted(found.members)) if found.members else {}
    status = status_of([str(one.status) for one in seen.values()], max(steps, len(found.members)))
    return gateway.mark_production(name, status)


def follow_all(dirac_conn_id: str, transformations: Iterable[str]) -> None:
    """Call :func:`follow` for the runs of these transformations; report errors in the log.

    :param transformations: names, ``production__run__step``.
    """
    names = {naming.SEPARATOR.join(name.split(naming.SEPARATOR)[:2]) for name in transformations}
    try:
        gateway = DiracHook(dirac_conn_id).gateway()
        for name in sorted(names):
            if status := follow(gateway, name):
                log.info("the ProductionSystem has %s as %s", name, status)
    except ProdsysError as error:
        log.warning("the entry in the ProductionSystem is not up to date: %s", error.reason)
