"""Checks a frozen dataset used as input: its list of files is fixed, but its query may find others.

DIRAC feeds a transformation by a query, so a step that takes a frozen dataset would also take files
that match since. This is refused before a transformation is created; an existing one has already
taken its files.

Invariant: reads only.
"""

from __future__ import annotations

from collections.abc import Iterable

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict
from dirac_prodsys.gateway.protocol import ProductionGateway


def check_frozen(gateway: ProductionGateway, transformation: str, datasets: Iterable[str]) -> None:
    """Refuse frozen datasets whose query finds more or fewer files now than they hold.

    :param transformation: name of the transformation that would take them.
    :raises Conflict: there is such a dataset.
    """
    if gateway.find_transformation(transformation) is not None:
        return
    for name in datasets:
        record = gateway.find_dataset(name)
        if record is None or not record.frozen:
            continue
        now = gateway.count_files(MetaQuery.from_dirac(record.query))
        if now != record.files:
            raise Conflict(
                f"dataset {name} is frozen with {record.files} files, and its query finds {now}",
                "narrow it by where, take the files as a list, or make a dataset of what is there",
            )
