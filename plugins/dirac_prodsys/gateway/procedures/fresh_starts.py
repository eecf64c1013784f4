"""Finds a step's newest transformation, and starts a step anew after a person cleaned its last one.

``core/run/fresh_starts.py`` defines which transformation is the newest.

Invariant: outputs of two generations never mix. The next one is made only when no job of the
previous one can write any more, and none of its files is left where the new jobs write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.grid.status import FINAL_TASKS, TaskStatus, TransformationStatus
from dirac_prodsys.core.run import fresh_starts
from dirac_prodsys.errors import Conflict, NotYet
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord

#: states of tasks for which no job writes
_SILENT = FINAL_TASKS | {TaskStatus.CREATED}


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


def name_to_create(gateway: ProductionGateway, spec: TransformationSpec) -> str:
    """Return the name under which a step's transformation is created, or adopted.

    :raises NotYet: the previous one is being cleaned; this resolves itself.
    :raises Conflict: the previous one left files behind.
    """
    return _next(gateway, spec, _found(gateway, spec))


def begins_anew(gateway: ProductionGateway, spec: TransformationSpec) -> bool:
    """Check whether the step needs a new transformation because a person cleaned its last one.

    True also if its creation was begun: a killed attempt may have left half of it. A deleted
    transformation, which left nothing behind, is made again by the task that made it first: all of
    a production exists before any of it starts.

    :raises NotYet, Conflict: as :func:`name_to_create`.
    """
    found = _found(gateway, spec)
    if not found:
        return False
    name = _next(gateway, spec, found)
    begun = name != spec.name and name in found
    return name not in found or (begun and found[name].status == TransformationStatus.NEW)


def _found(
    gateway: ProductionGateway, spec: TransformationSpec
) -> Mapping[str, TransformationRecord]:
    return find_all(gateway, [spec.name])[spec.name]


def _next(
    gateway: ProductionGateway,
    spec: TransformationSpec,
    found: Mapping[str, TransformationRecord],
) -> str:
    statuses = {name: record.status for name, record in found.items()}
    name = fresh_starts.to_create(spec.name, statuses)
    if found and name not in found:
        _check_over(gateway, list(found.values())[-1])
        for record in found.values():
            _check_nothing_left(gateway, spec, record)
    return name


def own_directories(spec: TransformationSpec, transformation: int) -> list[str]:
    """Return the directories that only this transformation writes to, outermost ones only."""
    paths = [directory.of(transformation).path for directory in spec.directories]
    shared = [directory.path for directory in spec.directories]
    own = [path for path, written in zip(paths, shared, strict=True) if path != written]
    found = own or paths[-1:]
    return [path for path in found if not any(path.startswith(f"{other}/") for other in found)]


def _check_over(gateway: ProductionGateway, record: TransformationRecord) -> None:
    snapshot = gateway.snapshot([record.id]).get(record.id)
    if snapshot is None or snapshot.status != TransformationStatus.CLEANING:
        return
    if any(number and task not in _SILENT for task, number in snapshot.tasks.items()):
        raise NotYet(
            f"transformation {record.id} {record.name} is being cleaned, and jobs of it may still "
            "write",
            "nothing begins anew before DIRAC's TransformationCleaningAgent is done",
        )


def _check_nothing_left(
    gateway: ProductionGateway, spec: TransformationSpec, record: TransformationRecord
) -> None:
    stored = gateway.stored_files(own_directories(spec, record.id))
    left = {path: size.files for path, size in stored.items() if size.files}
    if left:
        where = ", ".join(f"{number} in {path}" for path, number in sorted(left.items()))
        raise Conflict(
            f"transformation {record.id} {record.name} was cleaned, and files of it are left: "
            f"{where}",
            "remove them (dirac-dms-remove-files), then clear this task again: outputs of two "
            "generations would mix",
        )
