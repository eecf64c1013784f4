"""Divides datasets into subsets, and retires those that nobody reads.

Invariant: idempotent: what was begun is completed by doing it again. No file is removed, and none
loses a value of its metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dirac_prodsys.core import limits
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION
from dirac_prodsys.core.grid.subsets import Subset, divide
from dirac_prodsys.core.plan.dataset_readers import readers_among
from dirac_prodsys.core.query.difference import differences
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.text.wording import first_of
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

    def query_of(self, subset: str) -> MetaQuery:
        """Return the query for the files of a subset.

        :raises MetaQueryError: the dataset itself selects another value of the field.
        """
        query = MetaQuery.from_dirac(self.record.query)
        return query.refine(MetaQuery.parse({self.field: subset}))


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
    :raises GatewayRejected: a subset would get no file, a file has no value to go by, or the
        catalogue cannot keep the name or the query of a subset.
    :raises Conflict: the dataset of a subset exists with another query.
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
    for subset in names:
        _check_subset(gateway, division, subset)
    return division


def _check_subset(gateway: ProductionGateway, division: Division, subset: str) -> None:
    """Refuse what could not be made, before any file is marked."""
    name, query = division.names[subset], division.query_of(subset)
    for limit, text in (
        (limits.DATASET_NAME, name.rpartition("/")[2]),
        (limits.DATASET_QUERY, str(query.to_dirac())),
    ):
        if len(text) > limit.most:
            raise GatewayRejected(
                f"the dataset of subset {subset}: the {limit.what} has {limit.says(len(text))}",
                "give the subset a shorter name, or divide a dataset with a shorter name or query",
            )
    there = gateway.find_dataset(name)
    if there is not None and (found := MetaQuery.from_dirac(there.query)) != query:
        lines = "".join(f"\n  {line}" for line in differences(query, found))
        raise Conflict(
            f"dataset {name} exists with another query:{lines}", "give the subset another name"
        )


def divide_dataset(gateway: ProductionGateway, division: Division) -> list[DatasetRecord]:
    """Mark the files, and make a dataset of each subset, frozen as the divided one is.

    :raises Conflict: a file belongs to another subset already, or a dataset has another query.
    """
    gateway.mark_files(division.field, division.subset_of)
    made = []
    for subset, size in division.sizes.items():
        spec = DatasetSpec(
            name=division.names[subset],
            query=division.query_of(subset),
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
    :param readers: in words, who is known to read it, except transformations on the grid.
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
    raise Conflict(
        f"dataset {record.name} is still read: {first_of(readers, _NAMED, '; ')}",
        "wait until these transformations are over, and take the files of productions out of the "
        "folder",
    )
