"""Finds the newest transformation of a step (``core/run/fresh_starts.py`` defines which that is).

Invariant: one call, however many steps; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.run import fresh_starts
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord


def find_all(
    gateway: ProductionGateway, names: Sequence[str]
) -> dict[str, dict[str, TransformationRecord]]:
    """Return every transformation that the steps have had in their run, oldest first.

    :param names: name of the first transformation of each step.
    """
    known = {name: fresh_starts.starts(name) for name in names}
    found = gateway.find_transformations([each for all_ in known.values() for each in all_])
    return {name: {n: found[n] for n in all_ if n in found} for name, all_ in known.items()}


def find_newest(
    gateway: ProductionGateway, names: Sequence[str]
) -> dict[str, TransformationRecord]:
    """Return the newest transformation of each step; steps without one are absent."""
    found = find_all(gateway, names)
    return {name: list(records.values())[-1] for name, records in found.items() if records}
