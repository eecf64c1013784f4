"""Enters steps in DIRAC's ProductionSystem that are created while their run is under way.

::

    create ──> register ──> start

These are passes of a loop after the first, and steps whose input is a dataset that is waited for.
When a member is added, DIRAC acts on all members, by the status that the production has at that
moment, and this is safe only if they are New (see ``gateway/verbs/registry.py``). So two tasks of a
run must not add and mark at the same time: each in turn takes a claim that stands in DIRAC.

Invariant: no step fails, or is not started, because of the ProductionSystem. If an entry fails, the
log reports it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.status import ProductionStatus
from dirac_prodsys.core.run.registry import description, members_of
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

#: name of the claim to write the entry of a run
_CLAIM = "the entry in the ProductionSystem"

#: how often the claim is tried, and seconds in between
TRIES, PAUSE = 6, 5.0


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
