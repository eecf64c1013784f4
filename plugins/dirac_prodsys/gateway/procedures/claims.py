"""What was told to people about a run, kept where all tasks of it see it: in DIRAC.

It stands in additional parameters of one transformation of the run, one for each cause: so it
outlives retries, cleared tasks and Airflow's database, and goes when the transformation goes.

DIRAC has no way to write only what is not there. Several tasks may want to tell the same cause at
the same moment (an agent that is down stands still for all steps): each writes its own name, waits
a moment, and the one whose name stands there tells.

Invariant: it is written down that a cause is being told before it is told. A task that dies in
between tells it when it is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from dirac_prodsys.core.reports.notices import Claim, may_tell, parameter
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.protocol import ProductionGateway

#: seconds after which whoever read at the same moment has written, too
SETTLE = 1.0


def claim(
    gateway: ProductionGateway, transformation: int, keys: Iterable[str], by: str, *, settle: float
) -> list[str]:
    """Those of the keys that the task ``by`` is to tell.

    :param settle: seconds between writing and reading back.
    :raises GatewayError: they cannot be read or written.
    """
    wanted = [
        key
        for key in dict.fromkeys(keys)
        if may_tell(Claim.from_text(gateway.read_note(transformation, parameter(key))), by)
    ]
    for key in wanted:
        _write(gateway, transformation, Claim(key, by))
    if wanted and settle:
        time.sleep(settle)
    return [
        key
        for key in wanted
        if (found := Claim.from_text(gateway.read_note(transformation, parameter(key))))
        and found.by == by
    ]


def sent(gateway: ProductionGateway, transformation: int, keys: Iterable[str], by: str) -> None:
    """Remember that these were told."""
    for key in keys:
        _write(gateway, transformation, Claim(key, by, sent=True))


def forget(gateway: ProductionGateway, transformation: int, keys: Iterable[str]) -> list[str]:
    """What was told is over: when it comes again, it is told again. Returns what had been told."""
    known = []
    for key in dict.fromkeys(keys):
        if Claim.from_text(gateway.read_note(transformation, parameter(key))) is not None:
            gateway.write_note(transformation, parameter(key), "")
            known.append(key)
    return known


def _write(gateway: ProductionGateway, transformation: int, made: Claim) -> None:
    try:
        gateway.write_note(transformation, parameter(made.key), made.to_text())
    except GatewayRejected:
        if Claim.from_text(gateway.read_note(transformation, parameter(made.key))) is None:
            raise
        # somebody else has just claimed it
