"""Enters runs in DIRAC's ProductionSystem, so that its commands and its portal show them.

``verify`` comes after ``register``, whatever way that ended, and before every start, because the
ProductionSystem takes New transformations only. A transformation that is created during the run
(in a pass of a loop after the first, or because its input is a dataset that is waited for) is
entered by a task of its own step::

    create ──> register ──> start

When a member is added, DIRAC acts on all members, by the status that the production has at that
moment, and this is safe only if they are New (see ``gateway/verbs/registry.py``). So two tasks of a
run must not add and mark at the same time: each in turn takes a claim that stands in DIRAC.

Invariant: no run or step fails, waits or stays unstarted because of the ProductionSystem. If an
entry fails, the log reports it, and the production goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.status import ProductionStatus
from dirac_prodsys.core.run.registry import RegisteredProduction, description, members_of, status_of
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures import claims
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.notify import settle_of, task_of
from dirac_prodsys.provider.tasks.production_task import ProductionTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.plan.values import ProductionPlan

log = logging.getLogger(__name__)

#: delay between two tries of ``register``; short, because other tasks wait for it
_RETRY_DELAY = timedelta(seconds=10)

#: name of the claim to write the entry of a run
_CLAIM = "the entry in the ProductionSystem"

#: how often the claim is tried, and seconds in between
TRIES, PAUSE = 6, 5.0


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


class DiracRegisterStepOperator(ProductionTask):
    """Enter the transformation of one step in the production of its run, which already exists.

    Returns ``{"id", "status", "notes"}``: ID of the transformation, and status of the production
    afterwards.

    :param late: name of the step.
    """

    def __init__(self, *, late: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.late = late

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Try once; nobody waits for the ProductionSystem."""
        hook, plan = DiracHook(self.dirac_conn_id), self.plan(context)
        found: dict[str, Any]
        try:
            if hook.settings().registry:
                found = enter(hook.gateway(), plan, self.late, task_of(context))
            else:
                found = _not("the connection has registry: false")
        except ProdsysError as error:
            found = _not(error.reason)
        for note in found["notes"]:
            self.log.warning("%s", note)
        return found


def enter(gateway: ProductionGateway, plan: ProductionPlan, late: str, by: str) -> dict[str, Any]:
    """Enter the transformation of a step, once; then restore the status of the production.

    :param by: the task that does it, the same for all its tries.
    :raises GatewayError: the ProductionSystem does not answer, or refuses.
    """
    name = naming.registered_name(plan.production, plan.run)
    before = gateway.find_production(name)
    if before is None or not before.members:
        return _not("its run is not entered")
    names = [step.transformation.name for step in plan.steps]
    ids = {name: record.id for name, record in find_newest(gateway, names).items()}
    own = next((ids.get(s.transformation.name) for s in plan.steps if s.name == late), None)
    if own is None:
        return _not("its transformation is not there any more")
    if own in before.members and before.status != ProductionStatus.NEW:
        return {"id": own, "status": str(before.status), "notes": []}
    members = [member for member in members_of(plan, ids) if member.transformation == own]
    holder = min(before.members)
    if not _claimed(gateway, holder, by):
        return _not("others are entered all the time")
    try:
        before = gateway.find_production(name) or before  # the status that the last task left
        found = gateway.register_production(name, description(plan, "dirac_prodsys"), members)
        status = found.status
        for wanted in dict.fromkeys((ProductionStatus.ACTIVE, before.status)):
            status = gateway.mark_production(name, wanted)
    finally:
        claims.withdraw(gateway, holder, [_CLAIM])
    return {"id": own, "status": str(status), "notes": list(found.notes)}


def _claimed(gateway: ProductionGateway, holder: int, by: str) -> bool:
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE)
        if claims.claim(gateway, holder, [_CLAIM], by, settle=settle_of(gateway)):
            return True
    return False


def _not(why: str) -> dict[str, Any]:
    note = f"not entered in the ProductionSystem, the step goes on: {why}"
    return {"id": 0, "status": "", "notes": [note]}


def follow_run(gateway: ProductionGateway, plan: ProductionPlan) -> str:
    """Give the run's entry in the ProductionSystem the status of its members; return that status.

    :return: empty if the run was never entered, or is not to be.
    :raises GatewayError: the ProductionSystem refuses or fails. Nothing depends on it: report it,
        and go on.
    """
    name = naming.registered_name(plan.production, plan.run)
    # transformations that are created during the run may not have been entered
    return follow(gateway, name, 0 if plan.grows else len(plan.steps))


def follow(gateway: ProductionGateway, name: str, steps: int = 0) -> str:
    """Set an entry in the ProductionSystem to the status that its transformations give it.

    :param name: ``production__run``.
    :param steps: number of transformations that it should have.
    :return: the status; empty if there is no such entry, or none is wanted.
    :raises GatewayError: as for :func:`follow_run`.
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
