"""A production system in memory: transformations, agents with a clock, jobs, and fault points.

It is public: for unit tests, for ``dag.test()`` without any grid, for trying out a policy. It keeps
the rules of DIRAC 9.1.22 where they surprise: any status may follow any other, falsy values of a
meta query are lost when it is stored, names are looked up but not enforced, files are attached
while a transformation is Active only, smaller groups are made on Flush only, and a file that
failed ten times becomes MaxReset.

Invariant: nothing moves but by :meth:`MemoryGrid.advance`, and equal calls give equal grids.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import ast
import json
import posixpath
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.status import FileStatus, TaskStatus, TransformationStatus
from dirac_prodsys.core.transformation_types import transformation_types
from dirac_prodsys.gateway.dirac_inventory import Configured
from dirac_prodsys.gateway.memory_catalogue import MemoryCatalogue, ServiceError
from dirac_prodsys.gateway.memory_faults import Fault, Kind

#: types of transformation that are extended by hand (``ExtendableTransfTypes``)
EXTENDABLE = ("mcsimulation", "simulation")

#: failures after which a file is given up (``FilesMaxResetCounter``)
MAX_RESET = 10

#: characters that ``SaferEval.py`` reads
_EVAL_WIDTH = 2048

_ENOENT = 2


@dataclass
class AttachedFile:
    """A row of ``TransformationFiles``."""

    status: str = FileStatus.UNUSED
    task: int = 0
    errors: int = 0


@dataclass
class Task:
    """A row of ``TransformationTasks``, and the job behind it.

    :param ends: clock time at which the job ends; None: not submitted.
    :param good: whether the job ended well; None: it has not ended.
    """

    id: int
    transformation: int
    lfns: list[str]
    status: str = TaskStatus.CREATED
    ends: float | None = None
    good: bool | None = None


@dataclass
class Transformation:
    """A row of ``Transformations`` and all that belongs to it."""

    row: dict[str, Any]
    queries: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    files: dict[str, AttachedFile] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Its status word."""
        return str(self.row["Status"])


class MemoryGrid:
    """One grid.

    :param agent_cycle: seconds between two runs of the agents.
    :param task_seconds: seconds that a job runs.
    :param step: seconds by which the clock moves at every call; 0: only :meth:`advance` moves it.
    :param fails: called with each task when its job ends; True: the job failed.
    """

    def __init__(
        self,
        *,
        agent_cycle: float = 10.0,
        task_seconds: float = 30.0,
        step: float = 0.0,
        fails: Callable[[Task], bool] | None = None,
    ) -> None:
        self.agent_cycle = agent_cycle
        self.task_seconds = task_seconds
        self.step = step
        self.fails = fails or (lambda task: False)
        self.now = 0.0
        self.catalogue = MemoryCatalogue()
        self.transformations: dict[int, Transformation] = {}
        self.faults: list[Fault] = []
        #: while True, no service answers
        self.down = False
        #: names of agents that do not run: input_data, transformation, task, cleaning
        self.stopped_agents: set[str] = set()
        #: groups that may write to the Transformation System; empty: all
        self.production_groups: set[str] = set()
        #: what its configuration has
        self.configured = Configured(
            storage_elements=frozenset({"DISK-A-SE", "DISK-B-SE"}),
            sites=frozenset({"SIM.SiteA.org", "SIM.SiteB.org"}),
            transformation_types=frozenset(transformation_types()),
        )
        self.log: list[str] = []
        self._next_id = 1
        self._next_cycle = agent_cycle

    def fault(self, kind: Kind, method: str = "", *, after: int = 0, times: int = 1) -> Fault:
        """Plan a fault; see :mod:`dirac_prodsys.gateway.memory_faults`."""
        planned = Fault(kind, method, after, times)
        self.faults.append(planned)
        return planned

    # -- the clock and the agents ----------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass: jobs end, agents run."""
        target = self.now + seconds
        while self._next_cycle <= target:
            self.now = self._next_cycle
            self._next_cycle += self.agent_cycle
            self._cycle()
        self.now = target
        self._end_jobs()

    def _cycle(self) -> None:
        self._end_jobs()
        agents: dict[str, tuple[Callable[[Transformation], None], tuple[str, ...]]] = {
            "cleaning": (self._clean, ("Cleaning",)),
            "task": (self._monitor, ("Active", "Completing", "Stopped")),
            "input_data": (self._attach, ("Active",)),
            "transformation": (self._group, ("Active", "Completing", "Flush")),
        }
        for name, (run, states) in agents.items():
            for transformation in list(self.transformations.values()):
                if name not in self.stopped_agents and transformation.status in states:
                    run(transformation)
        for transformation in self.transformations.values():
            if "task" not in self.stopped_agents:
                self._submit(transformation)

    def _end_jobs(self) -> None:
        for transformation in self.transformations.values():
            for task in transformation.tasks.values():
                if task.good is None and task.ends is not None and task.ends <= self.now:
                    task.good = not self.fails(task)
                    if task.good:
                        self._register_outputs(transformation, task)

    def _register_outputs(self, transformation: Transformation, task: Task) -> None:
        try:
            body = json.loads(transformation.row["Body"])
        except ValueError:
            return
        for output in body.get("outputs", []) if isinstance(body, dict) else []:
            name = output["name"].replace("@{JOB_ID}", f"{task.id:08d}")
            name = name.replace("@{PRODUCTION_ID}", f"{task.transformation:08d}")
            self.catalogue.register(posixpath.join(output["directory"], name), se=output["se"])

    def _attach(self, transformation: Transformation) -> None:
        """InputDataAgent."""
        if transformation.row["Type"].lower() in EXTENDABLE:
            return
        query = self.stored_query(transformation, "Input")
        for lfn in self.catalogue.find(query) if query else []:
            transformation.files.setdefault(lfn, AttachedFile())

    def _group(self, transformation: Transformation) -> None:
        """TransformationAgent, plug-ins Standard (also in place of others) and BySize."""
        flush = transformation.status == TransformationStatus.FLUSH
        by_se: dict[str, list[str]] = {}
        for lfn, attached in sorted(transformation.files.items()):
            if attached.status == FileStatus.UNUSED and lfn in self.catalogue.files:
                by_se.setdefault(self.catalogue.files[lfn].se, []).append(lfn)
        for lfns in by_se.values():
            for group, full in self._groups(transformation, lfns):
                if full or flush:
                    self._add_task(transformation, group)
        if flush:
            transformation.row["Status"] = str(TransformationStatus.ACTIVE)

    def _groups(
        self, transformation: Transformation, lfns: list[str]
    ) -> list[tuple[list[str], bool]]:
        size = float(transformation.row["GroupSize"])
        by_size = transformation.row["Plugin"] == "BySize"
        groups: list[tuple[list[str], bool]] = []
        group: list[str] = []
        weight = 0.0
        for lfn in lfns:
            group.append(lfn)
            weight += self.catalogue.files[lfn].size / 1e9 if by_size else 1
            if weight >= max(size, 1 if not by_size else 0):
                groups.append((group, True))
                group, weight = [], 0.0
        return [*groups, (group, False)] if group else groups

    def _add_task(self, transformation: Transformation, lfns: list[str]) -> int:
        number = max(transformation.tasks, default=0) + 1
        identifier = int(transformation.row["TransformationID"])
        transformation.tasks[number] = Task(number, identifier, list(lfns))
        for lfn in lfns:
            transformation.files[lfn].status = FileStatus.ASSIGNED
            transformation.files[lfn].task = number
        return number

    def _submit(self, transformation: Transformation) -> None:
        """WorkflowTaskAgent or RequestTaskAgent, submission."""
        if transformation.status not in ("Active", "Completing"):
            return
        if transformation.row["AgentType"] != "Automatic":
            return
        for task in transformation.tasks.values():
            if task.status == TaskStatus.CREATED:
                task.status = TaskStatus.SUBMITTED
                task.ends = self.now + self.task_seconds

    def _monitor(self, transformation: Transformation) -> None:
        """WorkflowTaskAgent, monitoring of tasks and files."""
        for task in transformation.tasks.values():
            if task.ends is None or task.status in (TaskStatus.DONE, TaskStatus.FAILED):
                continue
            if task.good is None:
                task.status = TaskStatus.RUNNING
                continue
            task.status = TaskStatus.DONE if task.good else TaskStatus.FAILED
            for lfn in task.lfns:
                attached = transformation.files.get(lfn)
                if attached is None or attached.status != FileStatus.ASSIGNED:
                    continue
                if task.good:
                    attached.status = FileStatus.PROCESSED
                    continue
                given_up = attached.errors and attached.errors % MAX_RESET == 0
                attached.status = FileStatus.MAX_RESET if given_up else FileStatus.UNUSED
                attached.errors += 1

    def _clean(self, transformation: Transformation) -> None:
        """TransformationCleaningAgent: what is in the Transformation System, not the files."""
        transformation.files.clear()
        transformation.tasks.clear()
        transformation.queries.clear()
        transformation.row["Status"] = str(TransformationStatus.CLEANED)

    # -- the service Transformation/TransformationManager ----------------------------------------

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
            "Type": type_,
            "Plugin": plugin,
            "AgentType": agent_type,
            "Status": str(TransformationStatus.NEW),
            "FileMask": file_mask,
            "TransformationGroup": group,
            "GroupSize": float(group_size),
            "InheritedFrom": inherited_from,
            "Body": body,
            "MaxNumberOfTasks": max_tasks,
            "EventsPerTask": events_per_task,
        }
        made = self.transformations[identifier] = Transformation(row)
        if torn:
            _store_query(made, "Input", dict(list((input_query or {}).items())[:1]))
            return identifier
        try:
            for kind, query in (("Input", input_query), ("Output", output_query)):
                if query:
                    _store_query(made, kind, query)
        except ServiceError:
            del self.transformations[identifier]
            return None  # the service answers with the "OK" of its own clean-up
        if add_files and input_query:
            for lfn in self.catalogue.find(input_query):
                made.files[lfn] = AttachedFile()
        return identifier

    def serve_deleteTransformation(self, transformation: int) -> None:
        self._of(transformation)
        del self.transformations[int(transformation)]

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
        rows = [t.row for t in self.transformations.values() if _fits(t.row, where)]
        return [{c: row[c] for c in columns or row} for row in rows]

    def serve_getTransformationMetaQuery(self, transformation: int, kind: str) -> dict[str, Any]:
        query = self.stored_query(self._of(transformation), kind)
        if not query:
            raise ServiceError("No MetaQuery found for transformation", _ENOENT)
        return query

    def serve_setTransformationParameter(self, transformation: int, name: str, value: Any) -> None:
        found = self._of(transformation)
        if name not in found.row:
            found.parameters[name] = value if isinstance(value, int) else str(value)
            return
        if name not in _MUTABLE:
            raise ServiceError(f"Can not update the '{name}' transformation parameter")
        found.row[name] = value
        self.log.append(f"{transformation} {name} updated to {value}")

    def serve_addFilesToTransformation(self, transformation: int, lfns: list[str]) -> Any:
        attached = self._of(transformation).files
        if not lfns:
            raise ServiceError("Zero length LFN list")
        known = set(attached)
        for lfn in lfns:
            attached.setdefault(lfn, AttachedFile())
        words = {lfn: "Present" if lfn in known else "Added" for lfn in lfns}
        return {"Successful": words, "Failed": {}}

    def serve_extendTransformation(self, transformation: int, tasks: int) -> list[int]:
        found = self._of(transformation)
        if found.row["Type"].lower() not in EXTENDABLE:
            raise ServiceError("Can not extend non-SIMULATION type production")
        return [self._add_task(found, []) for _ in range(tasks)]

    def serve_getCounters(
        self, table: str, fields: list[str], where: dict[str, Any]
    ) -> list[list[Any]]:
        rows: list[dict[str, Any]] = []
        for identifier, t in self.transformations.items():
            if table == "TransformationFiles":
                rows += [
                    {"TransformationID": identifier, "Status": str(f.status)}
                    for f in t.files.values()
                ]
            else:
                rows += [
                    {"TransformationID": identifier, "ExternalStatus": str(task.status)}
                    for task in t.tasks.values()
                ]
        counts = Counter(tuple(row[f] for f in fields) for row in rows if _fits(row, where))
        return [[dict(zip(fields, key, strict=True)), count] for key, count in counts.items()]

    def stored_query(self, transformation: Transformation, kind: str) -> dict[str, Any]:
        """A meta query as the service reads it back; empty if there is none."""
        return {
            name: _read_value(value, type_)
            for name, (value, type_) in transformation.queries.get(kind, {}).items()
        }

    def _of(self, transformation: int | str) -> Transformation:
        text = str(transformation)
        if text.isdigit() and int(text) in self.transformations:
            return self.transformations[int(text)]
        raise ServiceError("Transformation does not exist")


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
    }
)


def _fits(row: dict[str, Any], where: dict[str, Any]) -> bool:
    """A condition of ``MySQL.buildCondition``; text is compared without regard to case."""

    def plain(value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    return all(
        plain(row[name]) in [plain(v) for v in (wanted if isinstance(wanted, list) else [wanted])]
        for name, wanted in where.items()
    )


def _store_query(transformation: Transformation, kind: str, query: dict[str, Any]) -> None:
    """``TransformationDB.__addMetaQuery``, with its losses."""
    stored: dict[str, tuple[str, str]] = {}
    for name, value in sorted(query.items()):
        if not value:
            continue
        if isinstance(value, list | tuple):
            if isinstance(value[0], int):
                stored[name] = (";;;".join(map(str, value)), "Integer")
            elif all(isinstance(v, str) for v in value):
                stored[name] = (";;;".join(value), "String")
            else:
                raise ServiceError("sequence item 0: expected str instance")
        elif isinstance(value, int):
            stored[name] = (str(value), "Integer")
        elif isinstance(value, dict):
            stored[name] = (str(value), "Dict")
        else:
            stored[name] = (str(value), "String")
    if len({name.lower() for name in stored}) < len(stored):  # a key without regard to case
        raise ServiceError("Duplicate entry for key 'PRIMARY'")
    transformation.queries[kind] = stored


def _read_value(value: str, type_: str) -> Any:
    """``TransformationDB.getTransformationMetaQuery``."""
    if ";;;" in value:
        parts = value.split(";;;")
        return [int(x) for x in parts] if type_ == "Integer" else parts
    if type_ == "Integer":
        return int(value)
    if type_ == "Dict" and len(value) > _EVAL_WIDTH:
        raise ServiceError(f"Object string is too long (>{_EVAL_WIDTH} bytes)")
    return ast.literal_eval(value) if type_ == "Dict" else value
