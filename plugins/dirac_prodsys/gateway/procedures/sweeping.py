"""Looks at all that the ledger knows, on the grid and in the catalogue: ``history sweep``.

Invariant: reads only. An outage ends the sweep: half of a comparison would look complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.reports.ledger.drift import (
    Book,
    Finding,
    FoundDataset,
    KnownDataset,
    dataset_drift,
    is_as_recorded,
    size_now,
    transformation_drift,
)
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import GatewayRejected, MetaQueryError, NotFound
from dirac_prodsys.gateway.procedures.dataset_reports import check_of
from dirac_prodsys.gateway.protocol import ProductionGateway

#: transformations in one call
_CHUNK = 1000


@dataclass(frozen=True)
class Sweep:
    """What a sweep saw.

    :param learned: what the ledger did not have, and what is no drift.
    :param notes: what could not be compared, and why.
    """

    transformations: int
    datasets: int
    findings: tuple[Finding, ...] = ()
    learned: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()


def sweep(gateway: ProductionGateway, book: Book, now: datetime, *, quick: bool = False) -> Sweep:
    """Compare what the ledger holds with what there is.

    :param quick: files are looked up one by one only where their number differs.
    :raises GatewayUnavailable: the Transformation System or the catalogue does not answer.
    """
    findings: list[Finding] = []
    learned: list[Record] = []
    notes: list[str] = []
    there = _listed(gateway, sorted({number for number, _ in book.transformations}))
    for (number, _), known in book.transformations.items():
        differs, lesson = transformation_drift(known, there.get(number), now)
        findings += [] if differs is None else [differs]
        learned += [] if lesson is None else [lesson]
    for path, dataset in book.datasets.items():
        found = _look(gateway, path, notes, dataset if quick else None)
        findings += dataset_drift(dataset, found)
        size = size_now(dataset, found, now)
        learned += [] if size is None else [size]
    return Sweep(
        len(book.transformations),
        len(book.datasets),
        tuple(findings),
        tuple(learned),
        tuple(notes),
    )


def _listed(gateway: ProductionGateway, numbers: list[int]) -> Mapping[int, Listed]:
    found: dict[int, Listed] = {}
    for start in range(0, len(numbers), _CHUNK):
        ids = numbers[start : start + _CHUNK]
        found |= {one.id: one for one in gateway.list_transformations(ids=ids)}
    return found


def _look(
    gateway: ProductionGateway, path: str, notes: list[str], known: KnownDataset | None
) -> FoundDataset | None:
    """Look at a dataset.

    :param known: its files are looked up only if their number differs from this; None: always.
    """
    try:
        record = gateway.find_dataset(path)
        if record is None:
            return None
        if known is not None and is_as_recorded(known, record.frozen, record.files):
            return FoundDataset(record.frozen, record.query, files=record.files)
        try:
            return FoundDataset(record.frozen, record.query, check_of(gateway, path))
        except MetaQueryError as error:  # others can make datasets by queries that are not ours
            notes.append(f"the files of {path} were not compared: {error.reason}")
            return FoundDataset(record.frozen, record.query)
        except NotFound:  # removed since
            return None
    except GatewayRejected as error:
        return FoundDataset(frozen=False, trouble=error.reason)
