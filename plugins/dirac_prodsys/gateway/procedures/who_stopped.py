"""Finds who stopped a transformation, when, and why.

DIRAC's own log has the author of a state, but no reason. Our actions reach DIRAC as the one user of
the connection; a note written right before each action holds who asked for it, and why.

Invariant: read-only. A note counts only if no state was set between it and the stop.
"""

from __future__ import annotations

import re

from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.reports.state_line import Stop
from dirac_prodsys.core.run.end import STOP_NOTE, StopNote
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import STATUS_LOGGED, LogLine

#: the parameter of a transformation that holds the last action
LAST_ACTION = "LastAction"

#: how ``TransformationDB`` logs an additional parameter (9.1)
_NOTED = "Added additional parameter "

#: ``stop by alice: the reason (run)``
_STOP_NOTE = re.compile(r"stop by (?P<by>[^:]*?)(?:: (?P<why>.*))? \([^()]*\)\Z", re.DOTALL)


def who_stopped(gateway: ProductionGateway, transformation: int) -> Stop | None:
    """Return who stopped it last; None: nobody did.

    :raises GatewayError: the Transformation System does not answer.
    """
    lines = gateway.told_of(transformation)
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
