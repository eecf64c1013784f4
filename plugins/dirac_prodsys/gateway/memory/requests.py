"""Carries out and reports requests of data management on the in-memory grid.

Invariant: as in DIRAC 9.1.22, operations are carried out in their order and trust the catalogue
alone: a registered copy counts as made, and only the last replica is protected.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid.request_rules import OF_FILES, REQUIRED
from dirac_prodsys.gateway.memory.answers import ServiceError
from dirac_prodsys.gateway.memory.catalogue import MemoryCatalogue
from dirac_prodsys.gateway.memory.columns import moment
from dirac_prodsys.gateway.memory.tables import Tables, Task, Transformation

#: error of a failed request, unless the task has a minor status
_ERROR = "Failed to replicate and register"


class MemoryRequests:
    """The service ``RequestManagement/ReqManager`` of a grid."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def serve_getBulkRequestStatus(self, requests: list[int]) -> dict[str, str]:
        wanted = set(requests)
        return {str(number): _status(t) for number, _, t in self._all() if number in wanted}

    def serve_peekRequest(self, request: int) -> str:
        for number, transformation, task in self._all():
            if number == request:
                return json.dumps(_serialised(number, transformation, task))
        raise ServiceError(f"getRequest: request '{request}' not exists")

    def serve_getRequestIDsList(
        self, states: list[str], limit: int, since: Any = None
    ) -> list[list[Any]]:
        found = [[number, _status(task), moment(task.updated)] for number, _, task in self._all()]
        return [row for row in found if row[1] in states and str(row[2]) > str(since or "")][:limit]

    def _all(self) -> Iterator[tuple[int, Transformation, Task]]:
        for transformation in self.tables.transformations.values():
            if operations_of(transformation):
                for task in transformation.tasks.values():
                    if task.ends is not None:
                        yield task.job, transformation, task


def operations_of(transformation: Transformation) -> Sequence[Mapping[str, Any]]:
    """Return the operations of a transformation's requests; empty if its tasks are jobs."""
    try:
        body = json.loads(transformation.row["Body"])
    except ValueError:
        return ()
    return body.get("operations") or () if isinstance(body, dict) else ()


def carry_out(
    operations: Iterable[Mapping[str, Any]],
    lfns: Iterable[str],
    parameters: Mapping[str, Any],
    catalogue: MemoryCatalogue,
) -> None:
    """Carry out the operations of one task.

    :param parameters: parameters of the transformation, for what its plugin would choose.
    """
    for operation in operations:
        names = [name for name in _target(operation, parameters).split(",") if name.strip()]
        for lfn in lfns:
            file = catalogue.files.get(lfn)
            if file is None:
                continue
            if operation["type"] == "ReplicateAndRegister":
                for name in names:
                    file.replicas.setdefault(name, (file.size, file.checksum))
            elif operation["type"] == "RemoveReplica":
                for name in names:
                    if set(file.replicas) != {name}:
                        file.replicas.pop(name, None)
            elif operation["type"] == "RemoveFile":
                catalogue.remove(lfn)


def valid(operations: Iterable[Mapping[str, Any]]) -> bool:
    """Check whether DIRAC's RequestValidator accepts them for files that have an LFN only.

    Tasks with refused operations stay Created.
    """
    for operation in operations:
        needed, of_files = REQUIRED.get(operation["type"], (frozenset(), OF_FILES))
        if of_files - OF_FILES or not all(operation["attributes"].get(name) for name in needed):
            return False
    return True


def _target(operation: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return names separated by commas; blanks stay, as in ``Operation.targetSEList``."""
    target = str(operation["attributes"].get("TargetSE", ""))
    if "TASK:TargetSE" not in target:
        return target
    return ",".join(re.findall(r"[A-Za-z0-9_.-]+", str(parameters.get("TargetSE", ""))))


def _status(task: Task) -> str:
    return {None: "Waiting", True: "Done", False: "Failed"}[task.good]


def _serialised(number: int, transformation: Transformation, task: Task) -> dict[str, Any]:
    """Return the request as ``Request.toJSON`` does; the first operation is the failed one."""
    operations = []
    for index, operation in enumerate(operations_of(transformation)):
        status = _status(task) if task.good or not index else "Waiting"
        error = (task.minor or _ERROR) if status == "Failed" else ""
        operations.append(
            {
                "Type": operation["type"],
                "Status": "Queued" if index and status == "Waiting" else status,
                "Error": "",
                "SourceSE": operation["attributes"].get("SourceSE"),
                "TargetSE": _target(operation, transformation.parameters),
                "Files": [{"LFN": lfn, "Status": status, "Error": error} for lfn in task.lfns],
            }
        )
    return {"RequestID": number, "Status": _status(task), "Error": "", "Operations": operations}
