"""Answers for the in-memory Transformation System, as its service does.

Invariant: as ``TransformationDB`` of DIRAC 9.1.22: any status may follow any other; names are
looked up and not enforced. It only shows and sets rows; nothing moves here.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from dirac_prodsys.core.grid.status import FileStatus, TaskStatus, TransformationStatus
from dirac_prodsys.gateway.memory.answers import ServiceError
from dirac_prodsys.gateway.memory.columns import moment
from dirac_prodsys.gateway.memory.tables import (
    AttachedFile,
    Tables,
    Task,
    Transformation,
    between,
    fitting,
    ordered,
    store_query,
)

#: transformation types that are extended by hand (``ExtendableTransfTypes``)
EXTENDABLE = ("mcsimulation", "simulation")

_ENOENT = 2

_MUTABLE = frozenset(
    {
        "TransformationName",
        "Description",
        "LongDescription",
        "AgentType",
        "Status",
        "GroupSize",
        "MaxNumberOfTasks",
        "Body",
        "TransformationFamily",
    }
)


class Transformations(Tables):
    """The service ``Transformation/TransformationManager`` on the tables of a grid."""

    def __init__(self) -> None:
        super().__init__()
        self._next_id = 1

    # -- transformations -------------------------------------------------------------------------

    def serve_addTransformation(
        self,
        name: str,
        description: str,
        long_description: str,
        type_: str,
        plugin: str,
        agent_type: str,
        file_mask: str,
        group: str = "General",
        group_size: float = 1,
        inherited_from: int = 0,
        body: str = "",
        max_tasks: int = 0,
        events_per_task: int = 0,
        add_files: bool = True,
        input_query: dict[str, Any] | None = None,
        output_query: dict[str, Any] | None = None,
        *,
        torn: bool = False,
    ) -> int | None:
        for identifier, other in self.transformations.items():
            if other.row["TransformationName"].lower() == name.lower():
                raise ServiceError(
                    f"Transformation with name {name} already exists with "
                    f"TransformationID = {identifier}"
                )
        identifier = self._next_id
        self._next_id += 1
        row = {
            "TransformationID": identifier,
            "TransformationName": name,
            "Description": description,
            "LongDescription": long_description,
            "CreationDate": moment(self.now),
            "LastUpdate": moment(self.now),
            "Type": type_,
            "Plugin": plugin,
            "AgentType": agent_type,
            "Status": str(TransformationStatus.NEW),
            "FileMask": file_mask,
            "TransformationGroup": group,
            "AuthorGroup": self.caller,
            "GroupSize": float(group_size),
            "InheritedFrom": inherited_from,
            "Body": body,
            "MaxNumberOfTasks": max_tasks,
            "EventsPerTask": events_per_task,
            "TransformationFamily": "0",
        }
        made = self.transformations[identifier] = Transformation(row)
        self._tell(identifier, f"Created transformation {identifier}")
        if torn:
            store_query(made, "Input", dict(list((input_query or {}).items())[:1]))
            return identifier
        try:
            for kind, query in (("Input", input_query), ("Output", output_query)):
                if query:
                    store_query(made, kind, query)
        except ServiceError:
            del self.transformations[identifier]
            return None  # the service answers with the "OK" of its own clean-up
        if add_files and input_query:
            for lfn in self.catalogue.find(input_query):
                made.files[lfn] = AttachedFile(inserted=self.now)
        return identifier

    def serve_deleteTransformation(self, transformation: int) -> None:
        self._of(transformation)
        del self.transformations[int(transformation)]

    def serve_cleanTransformation(self, transformation: int) -> int:
        found = self._of(transformation)
        found.files.clear()
        found.tasks.clear()
        found.queries.clear()
        self._tell(transformation, "Transformation Cleaned")
        return int(found.row["TransformationID"])

    def serve_getTransformation(self, transformation: int, extra: bool = False) -> dict[str, Any]:
        found = self._of(transformation)
        return {**found.row, **(found.parameters if extra else {})}

    def serve_getTransformations(
        self,
        where: dict[str, Any],
        older: Any = None,
        newer: Any = None,
        time_stamp: Any = None,
        order: Any = None,
        limit: Any = None,
        extra: bool = False,
        offset: Any = None,
        columns: list[str] | None = None,
    ) -> list[dict[str, Any]]:
        rows = fitting((t.row for t in self.transformations.values()), where)
        rows = ordered(between(rows, time_stamp, older, newer), order)
        rows = rows[offset or 0 :][:limit]
        more = {t.row["TransformationID"]: t.parameters if extra else {} for t in self._all()}
        return [
            {**{c: row[c] for c in columns or row}, **more[row["TransformationID"]]} for row in rows
        ]

    def _all(self) -> list[Transformation]:
        return list(self.transformations.values())

    def serve_deleteTransformationParameter(self, transformation: int, name: str) -> None:
        self._of(transformation).parameters.pop(name, None)
        self._tell(transformation, f"Removed additional parameter {name}")

    def serve_getTransformationMetaQuery(self, transformation: int, kind: str) -> dict[str, Any]:
        query = self._of(transformation).stored_query(kind)
        if not query:
            raise ServiceError("No MetaQuery found for transformation", _ENOENT)
        return query

    def serve_setTransformationParameter(self, transformation: int, name: str, value: Any) -> None:
        found = self._of(transformation)
        if name not in found.row:
            found.parameters[name] = value if isinstance(value, int) else str(value)
            self._tell(transformation, f"Added additional parameter {name}")
            return
        if name not in _MUTABLE:
            raise ServiceError(f"Can not update the '{name}' transformation parameter")
        found.row[name], found.row["LastUpdate"] = value, moment(self.now)
        line = "Body updated" if name == "Body" else f"{name} updated to {value}"
        self._tell(transformation, line)

    def _tell(self, transformation: int | str, message: str) -> None:
        """Log as ``TransformationDB.__updateTransformationLogging`` does, also without a change."""
        self.log.append((int(transformation), message))
        self.log_marks.append((self.author, self.now))

    def serve_addFilesToTransformation(self, transformation: int, lfns: list[str]) -> Any:
        attached = self._of(transformation).files
        if not lfns:
            raise ServiceError("Zero length LFN list")
        known = set(attached)
        for lfn in lfns:
            attached.setdefault(lfn, AttachedFile(inserted=self.now))
        words = {lfn: "Present" if lfn in known else "Added" for lfn in lfns}
        return {"Successful": words, "Failed": {}}

    def serve_extendTransformation(
        self, transformation: int, tasks: int, logged: int | None = None
    ) -> list[int]:
        """Extend the transformation, and log it at the end.

        :param logged: the logged number of tasks; 0: nothing is logged; for a call whose tasks come
            one by one.
        """
        found = self._of(transformation)
        if found.row["Type"].lower() not in EXTENDABLE:
            raise ServiceError("Can not extend non-SIMULATION type production")
        added = [self._add_task(found, []) for _ in range(tasks)]
        if logged is None or logged:
            self._tell(transformation, f"Transformation extended by {logged or tasks} tasks")
        return added

    def serve_getCounters(
        self,
        table: str,
        fields: list[str],
        where: dict[str, Any],
        older: Any = None,
        newer: Any = None,
        time_stamp: Any = None,
    ) -> list[list[Any]]:
        rows: list[dict[str, Any]] = []
        for identifier, t in self.transformations.items():
            if table == "TransformationFiles":
                rows += [
                    {
                        "TransformationID": identifier,
                        "Status": str(f.status),
                        "ErrorCount": f.errors,
                        "LastUpdate": moment(max(f.updated, f.inserted)),
                    }
                    for f in t.files.values()
                ]
            else:
                rows += self._task_rows(t)
        rows = between(fitting(rows, where), time_stamp, older, newer)
        counts = Counter(tuple(row[f] for f in fields) for row in rows)
        return [[dict(zip(fields, key, strict=True)), count] for key, count in counts.items()]

    # -- their files and tasks -------------------------------------------------------------------

    def serve_getTransformationFiles(
        self,
        where: dict[str, Any],
        older: Any = None,
        newer: Any = None,
        time_stamp: Any = None,
        order: Any = None,
        limit: Any = None,
        offset: Any = None,
        columns: list[str] | None = None,
    ) -> str:
        rows = [
            {
                "FileID": self.file_ids.setdefault(lfn, len(self.file_ids) + 1),
                "LFN": lfn,
                "Status": str(attached.status),
                "TaskID": attached.task or None,
                "ErrorCount": attached.errors,
                "InsertedTime": str(moment(attached.inserted)),
            }
            for found in self._these(where["TransformationID"])
            for lfn, attached in found.files.items()
        ]
        rest = {name: value for name, value in where.items() if name != "TransformationID"}
        wanted = ordered(fitting(rows, rest), order)[:limit]
        packed = [{c: row[c] for c in columns or row} for row in wanted]
        return json.dumps({"OK": True, "Value": packed})

    def serve_getTransformationTasks(
        self,
        where: dict[str, Any],
        older: Any = None,
        newer: Any = None,
        time_stamp: Any = None,
        order: Any = None,
        limit: int | None = None,
        input_vector: bool = False,
    ) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for found in self._these(where["TransformationID"]):
            rows += self._task_rows(found, input_vector=input_vector)
        rest = {name: value for name, value in where.items() if name != "TransformationID"}
        wanted = between(fitting(rows, rest), time_stamp, older, newer)
        return ordered(wanted, order)[:limit]

    def _task_rows(
        self, transformation: Transformation, *, input_vector: bool = False
    ) -> list[dict[str, Any]]:
        return [
            {
                "TaskID": task.id,
                "TransformationID": task.transformation,
                "ExternalStatus": str(task.status),
                "ExternalID": "0" if task.ends is None else str(task.job),
                "CreationTime": moment(task.created),
                "LastUpdateTime": moment(task.updated),
                **({"InputVector": ";".join(task.lfns)} if input_vector else {}),
            }
            for task in transformation.tasks.values()
        ]

    def serve_setTaskStatusAndWmsID(
        self, transformation: int, number: int, status: str, job: str
    ) -> None:
        task = self._of(transformation).tasks[number]
        task.status = TaskStatus(status)
        if job == "0":
            task.ends = None

    def serve_setFileStatusForTransformation(
        self, transformation: int, new: dict[int, list[Any]]
    ) -> None:
        files = self._of(transformation).files
        names = {number: lfn for lfn, number in self.file_ids.items()}
        for number, (status, failed) in new.items():
            attached = files[names[int(number)]]
            attached.status = status
            attached.errors += bool(failed)
            attached.updated = self.now

    def serve_setTaskStatus(self, transformation: int, tasks: list[int], status: str) -> None:
        found = self._of(transformation).tasks
        for number in tasks:
            found[number].status, found[number].updated = status, self.now

    def serve_getAdditionalParameters(self, transformation: int) -> dict[str, Any]:
        return dict(self._of(transformation).parameters)

    def serve_getTransformationLogging(self, transformation: int) -> list[dict[str, Any]]:
        self._of(transformation)
        return [
            {"Message": text, "Author": author, "MessageDate": datetime.fromtimestamp(at, UTC)}
            for (number, text), (author, at) in zip(self.log, self.log_marks, strict=True)
            if number == int(transformation)
        ]

    # -- what the service and the agents share ---------------------------------------------------

    def _of(self, transformation: int | str) -> Transformation:
        text = str(transformation)
        if text.isdigit() and int(text) in self.transformations:
            return self.transformations[int(text)]
        raise ServiceError("Transformation does not exist")

    def _these(self, transformations: Any) -> list[Transformation]:
        """Return the transformations of a condition: one, which must exist, or a list."""
        if not isinstance(transformations, list):
            return [self._of(transformations)]
        return [self.transformations[n] for n in transformations if n in self.transformations]

    def _add_task(self, transformation: Transformation, lfns: list[str]) -> int:
        number = max(transformation.tasks, default=0) + 1
        identifier = int(transformation.row["TransformationID"])
        transformation.tasks[number] = Task(
            number, identifier, list(lfns), updated=self.now, created=self.now
        )
        for lfn in lfns:
            transformation.files[lfn].status = FileStatus.ASSIGNED
            transformation.files[lfn].task = number
            transformation.files[lfn].updated = self.now
        return number
