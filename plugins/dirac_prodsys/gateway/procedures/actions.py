"""Carries out a person's action on one transformation, and checks that it is done.

DIRAC keeps every state that a transformation was ever set to. The states since the start of an
action show whether a killed attempt already did it. If an agent or a person undid it meanwhile,
that is not overruled.

Invariant: an action is reported as done only if it was done now or before, and did not override
what somebody else did at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dirac_prodsys.core.actions.preview import PreviewRow
from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.grid.precedence import overwritten, since, wins
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.run.end import STOP_NOTE
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.procedures.stops import LAST_ACTION
from dirac_prodsys.gateway.protocol import ProductionGateway


def carry_out(
    gateway: ProductionGateway,
    request: ActionRequest,
    row: PreviewRow,
    note: str,
    before: Sequence[str],
) -> str:
    """Carry out the requested action on one transformation; return in words what was done.

    :param before: every state that it had been set to when the first attempt began.
    :raises GatewayRejected: it cannot be done any more, or somebody set another state meanwhile.
    """
    if request.action != "delete":
        gateway.write_note(row.id, LAST_ACTION, note)
    done = _SPECIAL.get(request.action, _call_verb)(gateway, request, row)
    if request.kind.sets:
        _check_is_so(gateway, request, row, before)
    return done or request.kind.done


def done_before(
    gateway: ProductionGateway, request: ActionRequest, row: PreviewRow, before: Sequence[str]
) -> bool:
    """Check whether an earlier attempt has set the state that the action sets.

    A killed attempt may not have checked which state it overwrote: this check is made up for here.

    :param before: as for :func:`carry_out`.
    :raises GatewayRejected: it has, and overwrote what somebody else had set meanwhile.
    """
    state = request.kind.sets
    if not state or state not in since(before, gateway.status_changes(row.id)):
        return False
    gateway.put_back(row.id, state, before)
    _check_is_so(gateway, request, row, before)
    return True


def _check_is_so(
    gateway: ProductionGateway, request: ActionRequest, row: PreviewRow, before: Sequence[str]
) -> None:
    """Check that the reported action was done, and is not overruled by somebody else's."""
    state, now = request.kind.sets, status_now(gateway, row.id)
    if now in request.kind.means:
        return
    new = since(before, gateway.status_changes(row.id))
    if state not in new:
        raise GatewayRejected(f"it is {now} by now, and was not {request.kind.done}", "")
    if wins(now, state) and overwritten(state, new):
        raise GatewayRejected(
            f"it is {now} by now: somebody else set that at the same moment, and it stands", ""
        )


def status_now(gateway: ProductionGateway, transformation: int) -> str:
    """Return its state; ``Deleted`` if there is no such transformation any more."""
    seen = gateway.snapshot([transformation]).get(transformation)
    return str(seen.status if seen else TransformationStatus.DELETED)


def _stop(gateway: ProductionGateway, request: ActionRequest, row: PreviewRow) -> str:
    # a stop by a run's end becomes a stop by a person, so that a cleared task leaves it stopped
    if gateway.read_note(row.id, STOP_NOTE):
        gateway.write_note(row.id, STOP_NOTE, "")
    gateway.stop_transformation(row.id)
    return ""


def _extend(gateway: ProductionGateway, request: ActionRequest, row: PreviewRow) -> str:
    added = gateway.ensure_tasks(row.id, row.total or 0)
    return f"{added} tasks added, {row.total} in all"


def _delete(gateway: ProductionGateway, request: ActionRequest, row: PreviewRow) -> str:
    return "" if gateway.delete_transformation(row.id) else "it was gone already"


def _call_verb(gateway: ProductionGateway, request: ActionRequest, row: PreviewRow) -> str:
    values = request.values.values()
    getattr(gateway, request.kind.verb)(row.id, *values)
    return " ".join([request.kind.done, *(f"to {value:g}" for value in values)])


#: actions that take more than a call of their verb
_SPECIAL: Mapping[str, Callable[[ProductionGateway, ActionRequest, PreviewRow], str]] = {
    "stop": _stop,
    "extend": _extend,
    "delete": _delete,
}
