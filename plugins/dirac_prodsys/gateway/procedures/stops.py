"""Stops a transformation, records that stop as ours, and undoes only our own stops.

Both may be killed anywhere and repeated. The note is written before the stop. It counts the states
that the transformation was ever set to; the count distinguishes our stop from a person's.

Invariant: a transformation that a person stopped is never started; one that a person started never
counts as stopped by us.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.status import RUNNING_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.run.end import STOP_NOTE, StopNote, is_ours
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.protocol import ProductionGateway


def stop(gateway: ProductionGateway, transformation: int, why: str) -> bool:
    """Active, Idle or Flush → Stopped, noted as ours; False, and nothing done, in other states.

    :param why: the reason for people, kept in the note.
    """
    if _status(gateway, transformation) not in RUNNING_TRANSFORMATION:
        return False
    before = gateway.status_changes(transformation)
    if before and before[-1] == TransformationStatus.STOPPED:
        # somebody was faster: the run's end and a killed wait of ours do the same at once, and the
        # first note is the right one
        return False
    gateway.write_note(transformation, STOP_NOTE, StopNote(len(before) + 1, why).to_text())
    gateway.stop_transformation(transformation)
    after = gateway.status_changes(transformation)
    stops = after.count("Stopped") - before.count("Stopped")
    if stops == 1 and len(after) > len(before) + 1:
        # an agent ended a flush in between
        gateway.write_note(transformation, STOP_NOTE, StopNote(len(after), why).to_text())
    return True


def stopped_by_us(gateway: ProductionGateway, transformation: int) -> bool:
    """Check whether it is Stopped by us and unchanged since."""
    status = _status(gateway, transformation)
    if status != TransformationStatus.STOPPED:
        return False
    note = gateway.read_note(transformation, STOP_NOTE)
    return bool(note) and is_ours(note, status, gateway.status_changes(transformation))


def resume(gateway: ProductionGateway, transformation: int) -> bool:
    """Stopped by us → Active; return False, and change nothing, in any other case."""
    if not stopped_by_us(gateway, transformation):
        return False
    gateway.resume_transformation(transformation)
    return True


def _status(gateway: ProductionGateway, transformation: int) -> TransformationStatus:
    snapshot = gateway.snapshot([transformation]).get(transformation)
    if snapshot is None:
        raise NotFound(f"there is no transformation {transformation}", "it was deleted in DIRAC")
    return snapshot.status
