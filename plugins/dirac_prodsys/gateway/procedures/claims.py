"""Records in DIRAC which causes were reported to people, where all tasks of a run can read it.

The records are additional parameters of one transformation of the run, one for each cause. So they
outlive retries, cleared tasks and Airflow's database, and vanish with the transformation.

DIRAC cannot write a value only if it is missing. Several tasks may want to report the same cause at
the same moment (an agent that is down stops all steps). Each writes its own name and waits a
moment; the task whose name is then stored reports.

Invariant: a claim is written before the cause is reported. If a task dies in between, its next try
reports it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from dirac_prodsys.core.policy.notices import Claim, may_tell, parameter
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.protocol import ProductionGateway

#: seconds after which a task that read at the same moment has written, too
SETTLE = 1.0


def claim(
    gateway: ProductionGateway, transformation: int, keys: Iterable[str], by: str, *, settle: float
) -> list[str]:
    """Return those of the keys that the task ``by`` must report.

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


def mark_sent(
    gateway: ProductionGateway, transformation: int, keys: Iterable[str], by: str
) -> None:
    """Record that these were reported."""
    for key in keys:
        _write(gateway, transformation, Claim(key, by, sent=True))


def withdraw(gateway: ProductionGateway, transformation: int, keys: Iterable[str]) -> list[str]:
    """Forget reported causes, so that they are reported again; return those that were reported."""
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
