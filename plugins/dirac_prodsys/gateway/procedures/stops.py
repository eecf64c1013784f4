"""Stops a transformation, undoes only our own stops, and finds who stopped it and why.

The first two may be killed anywhere and repeated. The note is written before the stop. It counts
the states that the transformation was ever set to; the count distinguishes our stop from a
person's.

DIRAC's own log has the author of a state, but no reason. Our actions reach DIRAC as the one user of
the connection; a note written right before each action holds who asked for it, and why. A note
counts only if no state was set between it and the stop.

Invariant: a transformation that a person stopped is never started; one that a person started never
counts as stopped by us.
"""

from __future__ import annotations

import re

from dirac_prodsys.core.grid.status import RUNNING_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.reports.state_line import Stop
from dirac_prodsys.core.run.end import STOP_NOTE, StopNote, is_ours
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import STATUS_LOGGED, LogLine

#: the parameter of a transformation that holds the last action
LAST_ACTION = "LastAction"

#: how ``TransformationDB`` logs an additional parameter (9.1)
_NOTED = "Added additional parameter "

#: ``stop by alice: the reason (run)``
_STOP_NOTE = re.compile(r"stop by (?P<by>[^:]*?)(?:: (?P<why>.*))? \([^()]*\)\Z", re.DOTALL)


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


def who_stopped(gateway: ProductionGateway, transformation: int) -> Stop | None:
    """Return who stopped it last; None: nobody did.

    :raises GatewayError: the Transformation System does not answer.
    """
    lines = gateway.log_of(transformation)
    at = _last(lines, f"{STATUS_LOGGED}{TransformationStatus.STOPPED}")
    if at is None:
        return None
    stop = Stop(lines[at].by, lines[at].at)
    if _is_noted(lines, LAST_ACTION, at):
        found = _STOP_NOTE.match(gateway.read_note(transformation, LAST_ACTION))
        if found is not None:
            return Stop(found["by"], stop.at, found["why"] or "")
    if _is_noted(lines, STOP_NOTE, at):
        note = StopNote.from_text(gateway.read_note(transformation, STOP_NOTE))
        if note is not None:
            return Stop(stop.by, stop.at, note.why)
    return stop


def _is_noted(lines: tuple[LogLine, ...], name: str, at: int) -> bool:
    """Check whether the note was last written before that line, with no other state in between.

    The order of lines within one second is not certain: a note of the same second counts.
    """
    noted = _last(lines, f"{_NOTED}{name}")
    if noted is None:
        return False
    between = lines[noted + 1 : at] if noted < at else ()
    late = noted > at and lines[noted].at > lines[at].at
    return not late and not any(line.text.startswith(STATUS_LOGGED) for line in between)


def _last(lines: tuple[LogLine, ...], text: str) -> int | None:
    found = [index for index, line in enumerate(lines) if line.text == text]
    return found[-1] if found else None


def _status(gateway: ProductionGateway, transformation: int) -> TransformationStatus:
    snapshot = gateway.snapshot([transformation]).get(transformation)
    if snapshot is None:
        raise NotFound(f"there is no transformation {transformation}", "it was deleted in DIRAC")
    return snapshot.status
