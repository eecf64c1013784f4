"""A frozen dataset as input: its list of files never changes, and its query may find others.

DIRAC gives a transformation files by a query, so a step that takes a frozen dataset would take
whatever has come to match since. That is refused where a transformation is about to be created;
one that exists already has taken what it has taken.

Invariant: reads only.
"""

from __future__ import annotations

from collections.abc import Iterable

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict
from dirac_prodsys.gateway.protocol import ProductionGateway


def check_frozen(gateway: ProductionGateway, transformation: str, datasets: Iterable[str]) -> None:
    """Refuse frozen datasets whose query finds more or fewer files now than they hold.

    :param transformation: name of the one that would take them.
    :raises Conflict: there is one.
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
