"""Reads transformations that others made, for the ledger: ``dirac-prodsys history import``.

Invariant: reads only. Counts take a few calls for each thousand; each transformation that is new
takes two calls more, for its queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dirac_prodsys.core.grid.dataset_origin import read_origin
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.ledger.imported import (
    chosen,
    imported_counts,
    imported_step,
    place_of,
)
from dirac_prodsys.core.reports.ledger.made_from import Place, dataset_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import CountsRecord, StepRecord
from dirac_prodsys.errors import GatewayRejected, MetaQueryError, NotFound
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import DatasetRecord

#: transformations in one call
_CHUNK = 1000


@dataclass(frozen=True)
class Known:
    """What the ledger has of a transformation.

    :param counts: the newest; None: it has none.
    """

    step: StepRecord
    counts: CountsRecord | None = None


@dataclass(frozen=True)
class TakenIn:
    """A transformation, and what the ledger does not have of it.

    :param status: DIRAC's status.
    :param records: empty: nothing is new.
    """

    place: Place
    type: str
    status: str
    records: tuple[Record, ...] = ()

    @property
    def what(self) -> tuple[str, ...]:
        """Return the kinds of records that are new."""
        return tuple(record.kind for record in self.records)


def read_past(
    gateway: ProductionGateway,
    names: Sequence[str],
    known: Callable[[int, str], Known | None],
    now: datetime,
    *,
    production: str = "",
    folders: Sequence[str] = (),
) -> list[TakenIn]:
    """Read the transformations that a person names.

    :param names: as for :func:`chosen`.
    :param known: returns what the ledger has of a transformation, by ID and name.
    :param production: name in DIRAC's ProductionSystem: all of its members are meant, too.
    :param folders: where their datasets may be; empty: ``/VO/datasets``.
    :raises NotFound: the grid has none of that name.
    """
    listed = gateway.list_transformations()
    meant = {one.id: one for one in chosen(names, listed)}
    if production:
        meant |= {one.id: one for one in _members(gateway, production, listed)}
    vo = gateway.ping().vo
    datasets = [
        one for folder in folders or (f"/{vo}/datasets",) for one in _datasets(gateway, folder)
    ]
    seen = _snapshots(gateway, sorted(meant))
    found = []
    for number, one in sorted(meant.items()):
        has = known(number, one.name)
        records: list[Record] = []
        if has is None:
            place = place_of(one, vo, production)
            records += _made(gateway, one, seen.get(number), place, datasets, now)
        else:
            place = Place.from_dict(has.step.to_dict())
        if number in seen and (has is None or has.step.origin == "import"):
            last = None if has is None else has.counts
            counts = imported_counts(seen[number], place, now, last)
            records += [] if counts is None else [counts]
        found.append(TakenIn(place, one.type, one.status, tuple(records)))
    return found


def _made(
    gateway: ProductionGateway,
    one: Listed,
    seen: Snapshot | None,
    place: Place,
    datasets: Sequence[DatasetRecord],
    now: datetime,
) -> list[Record]:
    """Return the step of a transformation, and the dataset of its files, if there is one."""
    output = gateway.output_query(one.id)
    dataset = _dataset_of(place, output, datasets)
    step = imported_step(
        one,
        seen,
        place,
        now,
        query=gateway.input_query(one.id),
        output_query=output,
        dataset="" if dataset is None else dataset.name,
    )
    if dataset is None:
        return [step]
    return [step, dataset_of(dataset, place, now, size=dataset.size, adopted=True)]


def _snapshots(gateway: ProductionGateway, numbers: Sequence[int]) -> dict[int, Snapshot]:
    found: dict[int, Snapshot] = {}
    for start in range(0, len(numbers), _CHUNK):
        found |= gateway.snapshot(numbers[start : start + _CHUNK])
    return found


def _members(gateway: ProductionGateway, production: str, listed: Sequence[Listed]) -> list[Listed]:
    there = gateway.find_production(production)
    if there is None:
        raise NotFound(
            f"there is no production {production} in DIRAC's ProductionSystem",
            "`dirac-prod-get-all` lists them; transformations can be named one by one as well",
        )
    return [one for one in listed if one.id in there.members]


def _datasets(gateway: ProductionGateway, folder: str) -> list[DatasetRecord]:
    """Return the datasets of a folder; a catalogue without datasets has none."""
    try:
        return gateway.list_datasets(folder)
    except (NotFound, GatewayRejected):
        return []


def _dataset_of(
    place: Place, output: MetaQuery | None, datasets: Sequence[DatasetRecord]
) -> DatasetRecord | None:
    """Return the dataset that says it is the step's, or that has the query of its files."""
    for one in datasets:
        origin = read_origin(one.annotation)
        if origin is not None and place.run:
            named = (origin.production, origin.run, origin.step)
            if named == (place.production, place.run, place.step):
                return one
    for one in datasets:
        try:
            if output is not None and MetaQuery.from_dirac(one.query) == output:
                return one
        except MetaQueryError:
            continue
    return None
