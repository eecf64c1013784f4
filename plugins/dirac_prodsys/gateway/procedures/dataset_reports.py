"""Reads what a dataset holds, and compares it with what it held when it was made.

Invariant: reads only, in bulk: some calls for each five hundred files.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile, ListedFile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.dataset_check import Counted, DatasetCheck, check_dataset
from dirac_prodsys.core.reports.dataset_content import DatasetContent, by_place, by_value
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.procedures.dataset_lists import kept_list
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import DatasetRecord


def find(gateway: ProductionGateway, name: str) -> DatasetRecord:
    """Return a dataset.

    :param name: full path.
    :raises NotFound: there is none.
    """
    record = gateway.find_dataset(name)
    if record is None:
        raise NotFound(
            f"there is no dataset {name} in the file catalogue",
            "give its full path; `dirac-prodsys datasets list` shows those of a folder",
        )
    return record


def content_of(
    gateway: ProductionGateway, name: str, by: str = ""
) -> tuple[DatasetContent, dict[str, CatalogueFile]]:
    """Return what a dataset holds, and its files by LFN.

    :param by: metadata field of files by whose values they are counted, too; empty: none.
    :raises NotFound: there is no such dataset.
    """
    record = find(gateway, name)
    files = gateway.describe_files(gateway.dataset_files(name))
    content = DatasetContent(
        name=record.name,
        query=record.query,
        frozen=record.frozen,
        annotation=record.annotation,
        owner=record.owner,
        created=record.created,
        files=len(files),
        size=sum(one.size for one in files.values()),
        counted=record.counted,
        counted_size=record.size,
        places=by_place(files.values()),
        without_replica=tuple(sorted(lfn for lfn, one in files.items() if not one.places)),
        by=by_value(files.values(), by) if by else None,
        lfns=tuple(sorted(files)),
    )
    return content, files


def check_of(
    gateway: ProductionGateway, name: str, listed: Sequence[ListedFile] | None = None
) -> DatasetCheck:
    """Compare a dataset with what it was when it was made.

    :param listed: its files then; None: the list that its task kept is taken, if there is one.
    :raises NotFound: there is no such dataset.
    """
    record = find(gateway, name)
    if listed is None:
        listed = kept_list(gateway, record)
    held = gateway.dataset_files(name)
    query = MetaQuery.from_dirac(record.query)
    found = gateway.selected_files(query) if record.frozen else held
    names = {*held, *(one.lfn for one in listed or ())}
    return check_dataset(
        record.name,
        Counted(record.counted, record.size, record.list_checksum),
        held,
        found,
        gateway.describe_files(sorted(names)),
        listed,
        frozen=record.frozen,
    )
