"""Divides datasets into subsets, and retires those that nobody reads.

Invariant: idempotent: what was begun is completed by doing it again. No file is removed, and none
loses a value of its metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION
from dirac_prodsys.core.grid.subsets import Subset, divide
from dirac_prodsys.core.plan.dataset_readers import readers_among
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected
from dirac_prodsys.gateway.procedures.dataset_reports import find
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import DatasetRecord

#: readers that a message names
_NAMED = 5


@dataclass(frozen=True)
class Division:
    """How a dataset would be divided.

    :param field: metadata field of files that gets the name of the subset.
    :param subset_of: file → its subset.
    :param names: subset → full path of its dataset.
    """

    record: DatasetRecord
    field: str
    subset_of: Mapping[str, str]
    names: Mapping[str, str]

    @property
    def sizes(self) -> dict[str, int]:
        """Return the number of files of each subset, in the order of the subsets."""
        counts = Counter(self.subset_of.values())
        return {subset: counts[subset] for subset in self.names}


def plan_division(
    gateway: ProductionGateway,
    name: str,
    subsets: tuple[Subset, ...],
    field: str,
    *,
    by: str = "",
    salt: str = "",
) -> Division:
    """Decide for each file of a dataset into which subset it goes; nothing is written.

    :param name: full path.
    :param by: metadata field of files: files with one value stay together; empty: each by its LFN.
    :raises NotFound: there is no such dataset.
    :raises GatewayRejected: a subset would get no file, or a file has no value to go by.
    """
    record = find(gateway, name)
    lfns = gateway.dataset_files(name)
    keys = {lfn: lfn for lfn in lfns}
    if by:
        files = gateway.describe_files(lfns)
        lacking = [lfn for lfn in lfns if files[lfn].metadata.get(by) in (None, "")]
        if lacking:
            raise GatewayRejected(
                f"{len(lacking)} files of {name} have no {by}, such as {lacking[0]}",
                "divide by another field, or by the names of the files",
            )
        keys = {lfn: str(files[lfn].metadata[by]) for lfn in lfns}
    names = {one.name: f"{record.name}_{one.name}" for one in subsets}
    division = Division(record, field, divide(keys, subsets, salt), names)
    if empty := [subset for subset, size in division.sizes.items() if not size]:
        raise GatewayRejected(
            f"{', '.join(empty)} would have no file: {name} has {len(lfns)}",
            "give it a greater share, or take another --salt",
        )
    return division


def divide_dataset(gateway: ProductionGateway, division: Division) -> list[DatasetRecord]:
    """Mark the files, and make a dataset of each subset, frozen as the divided one is.

    :raises Conflict: a file belongs to another subset already, or a dataset has another query.
    """
    gateway.mark_files(division.field, division.subset_of)
    query = MetaQuery.from_dirac(division.record.query)
    made = []
    for subset, size in division.sizes.items():
        spec = DatasetSpec(
            name=division.names[subset],
            query=query.refine(MetaQuery.parse({division.field: subset})),
            freeze=division.record.frozen,
            annotation=f"{subset} of {division.record.name}",
            expect_files=size,
        )
        made.append(gateway.create_dataset(spec))
    return made


def reading_transformations(gateway: ProductionGateway, record: DatasetRecord) -> list[str]:
    """Return the transformations that are not over and take files of a dataset only."""
    over = ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION
    queries = {}
    for one in gateway.list_transformations():
        if one.status not in over and (query := gateway.input_query(one.id)) is not None:
            queries[f"transformation {one.id} {one.name} ({one.status})"] = query
    return list(readers_among(queries, MetaQuery.from_dirac(record.query)))


def retire_dataset(gateway: ProductionGateway, name: str, readers: Sequence[str]) -> DatasetRecord:
    """Remove a dataset that nobody reads; its files stay.

    :param name: full path.
    :param readers: in words, who is known to read it beside transformations on the grid.
    :raises NotFound: there is no such dataset.
    :raises Conflict: somebody reads it.
    """
    record = find(gateway, name)
    refuse_readers(record, [*readers, *reading_transformations(gateway, record)])
    gateway.remove_dataset(name)
    return record


def refuse_readers(record: DatasetRecord, readers: Sequence[str]) -> None:
    """Refuse to retire a dataset that somebody reads.

    :raises Conflict: there are readers.
    """
    if not readers:
        return
    more = f" and {len(readers) - _NAMED} more" if len(readers) > _NAMED else ""
    raise Conflict(
        f"dataset {record.name} is still read: {'; '.join(readers[:_NAMED])}{more}",
        "wait until these transformations are over, and take the files of productions out of the "
        "folder",
    )
