"""Checks that a step's query finds all files that its parents made for it.

Invariant: read-only; once for a step that is about to be complete, in a few calls.
"""

from __future__ import annotations

from collections.abc import Iterable

from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.grid.status import GOOD_TASKS, FileStatus
from dirac_prodsys.core.steps.lost_inputs import made_for
from dirac_prodsys.gateway.procedures.newest import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway


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
