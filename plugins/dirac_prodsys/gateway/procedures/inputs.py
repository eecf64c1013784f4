"""Checks what a step takes: frozen datasets before it is created, missed files before its end.

DIRAC feeds a transformation by a query. A step that takes a frozen dataset would also take files
that match since: this is refused before a transformation is created; an existing one has already
taken its files. And a query may miss files that the parents made for the step: that is found when
the step is about to be complete.

Invariant: reads only, in a few calls.
"""

from __future__ import annotations

from collections.abc import Iterable

from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.grid.status import GOOD_TASKS, FileStatus
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.lost_inputs import made_for
from dirac_prodsys.errors import Conflict
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
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


def lost_inputs(
    gateway: ProductionGateway,
    transformation: int,
    spec: TransformationSpec,
    parents: Iterable[TransformationSpec],
) -> list[str]:
    """Return the parents' files that should be attached and are not, sorted.

    These are files that the parents' tasks made, that the catalogue has and that the query should
    find.

    :param transformation: ID of the step's transformation, with all files of its query attached.
    :param parents: the transformations whose jobs made its files.
    :raises GatewayError: as its verbs do.
    """
    query, specs = spec.input_query, {each.name: each for each in parents}
    if query is None or not specs:
        return []
    expected: set[str] = set()
    for name, record in find_newest(gateway, list(specs)).items():
        tasks = gateway.tasks(record.id).values()
        good = [task.id for task in tasks if task.status in GOOD_TASKS]
        expected.update(made_for(query, specs[name], record.id, good))
    if not expected:
        return []
    states = [str(state) for state in FileStatus]
    attached = {file.lfn for file in gateway.attached_files(transformation, states)}
    return sorted(gateway.existing_files(sorted(expected - attached)))
