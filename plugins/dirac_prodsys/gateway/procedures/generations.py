"""Finds the files that came for a completed step since, and keeps what it has taken.

DIRAC archives a completed transformation after some days, and forgets its files and its query
(``TransformationCleaningAgent.archiveTransformation``, 9.1). So what a step has taken is kept with
the transformation, in an additional parameter, when it is completed.

Invariant: a file is new only if no generation of the step has taken it. If that cannot be known,
nothing is taken. A generation that was cleaned counts as if it had taken nothing: its outputs are
gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.actions.reopening import Came
from dirac_prodsys.core.grid.catalogue_files import CatalogueFile
from dirac_prodsys.core.grid.status import (
    REMOVED_TRANSFORMATION,
    FileStatus,
    TransformationStatus,
)
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.step_plan import Newer
from dirac_prodsys.errors import Conflict, MetaQueryError
from dirac_prodsys.gateway.procedures.dataset_lists import MOST, pack, unpack
from dirac_prodsys.gateway.procedures.fresh_starts import find_all
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord

#: additional parameter of a transformation that holds what it has taken
TAKEN = "TakenFiles"

_STATES = tuple(str(state) for state in FileStatus)


@dataclass(frozen=True)
class Taken:
    """What a completed step was, and has taken.

    :param run_id: Airflow's ID of its run.
    :param parameters: the values of its run.
    :param query: its input query, in DIRAC's form; None: it had none.
    :param files: LFNs; None: they were too many to be kept.
    """

    run_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] | None = None
    files: frozenset[str] | None = frozenset()


def keep_taken(
    gateway: ProductionGateway,
    transformation: int,
    run_id: str,
    parameters: Mapping[str, Any],
) -> bool:
    """Keep what a transformation has taken; return False if its list of files is too long.

    What was kept before stays: DIRAC may have forgotten some files, or all, meanwhile.

    :raises GatewayError: as :meth:`ProductionGateway.write_note`.
    """
    lfns = {file.lfn for file in gateway.attached_files(transformation, _STATES)}
    query = gateway.input_query(transformation)
    form = None if query is None else query.to_dirac()
    before = read_taken(gateway, transformation)
    if before is not None:
        if before.files is None:
            return False
        lfns |= before.files
        form = form or (None if before.query is None else dict(before.query))
    packed = pack(CatalogueFile(lfn, 0, "") for lfn in lfns)
    kept = len(packed) <= MOST
    head = {
        "run_id": run_id,
        "parameters": dict(parameters),
        "query": form,
        "listed": kept,
    }
    text = f"{json.dumps(head, sort_keys=True, default=str)}\n{packed if kept else ''}"
    if text != gateway.read_note(transformation, TAKEN):
        gateway.write_note(transformation, TAKEN, text)
    return kept


def read_taken(gateway: ProductionGateway, transformation: int) -> Taken | None:
    """Return what was kept of a transformation; None: nothing that can be read."""
    head, _, packed = gateway.read_note(transformation, TAKEN).partition("\n")
    try:
        found = json.loads(head) if head else None
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    files = unpack(packed) if found.get("listed") else None
    return Taken(
        run_id=str(found.get("run_id") or ""),
        parameters=found.get("parameters") or {},
        query=found.get("query"),
        files=None if files is None else frozenset(file.lfn for file in files),
    )


def attach_newer(gateway: ProductionGateway, transformation: int, newer: Newer) -> int:
    """Attach the files that came since to a step of a later generation; return how many are new.

    :raises Conflict: it cannot be known which files were taken.
    """
    lfns = newer_files(gateway, newer)
    return gateway.add_files(transformation, lfns) if lfns else 0


def newer_files(gateway: ProductionGateway, newer: Newer) -> list[str]:
    """Return the files that came since, sorted.

    :raises Conflict: it cannot be known which files were taken.
    """
    taken = taken_before(gateway, newer.earlier)
    return sorted(set(gateway.selected_files(newer.query)) - taken)


def came_since(gateway: ProductionGateway, transformation: int, names: Sequence[str]) -> Came:
    """Return what came for a completed step that no generation of it has taken.

    :param transformation: that of its first generation.
    :param names: names of its first transformation in each generation.
    """
    try:
        query = _query_of(gateway, transformation)
        lfns = newer_files(gateway, Newer(query, tuple(names)))
    except Conflict as error:
        return Came(refused=error.reason)
    return Came(len(lfns), gateway.size_of(lfns) if lfns else 0)


def taken_before(gateway: ProductionGateway, names: Sequence[str]) -> frozenset[str]:
    """Return the files that generations of a step have taken.

    :param names: name of its first transformation in each generation; those that never had the
        step are passed over, the first one never is.
    :raises Conflict: it cannot be known.
    """
    found = find_all(gateway, names)
    first = found[names[0]]
    if all(record.status in REMOVED_TRANSFORMATION for record in first.values()):
        what = "was removed" if first else "is not in DIRAC any more"
        raise Conflict(
            f"{names[0]} {what}: what it has taken is not known",
            "begin a new run of the production",
        )
    taken: set[str] = set()
    for records in found.values():
        for record in records.values():
            if record.status not in REMOVED_TRANSFORMATION:
                taken |= _taken_by(gateway, record)
    return frozenset(taken)


def _taken_by(gateway: ProductionGateway, record: TransformationRecord) -> frozenset[str]:
    attached = frozenset(file.lfn for file in gateway.attached_files(record.id, _STATES))
    kept = read_taken(gateway, record.id)
    if kept is not None and kept.files is not None:
        return attached | kept.files  # DIRAC may just be archiving it, piece by piece
    if not attached or record.status == TransformationStatus.ARCHIVED:
        raise Conflict(
            f"{record.name} is {record.status}, and what it has taken was not kept",
            "begin a new run of the production, with an input that has the new files alone",
        )
    return attached


def _query_of(gateway: ProductionGateway, transformation: int) -> MetaQuery:
    kept = read_taken(gateway, transformation)
    if kept is None:
        raise Conflict(
            "it was completed by an older version, or not by its run: the values of its run are "
            "not known",
            "begin a new run of the production",
        )
    query = gateway.input_query(transformation)
    try:
        if query is None and kept.query:
            query = MetaQuery.from_dirac(kept.query)
    except MetaQueryError:
        pass
    if query is None:
        raise Conflict("its input is no query: nothing can come for it")
    return query
