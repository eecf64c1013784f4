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

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dirac_prodsys.core.status import TransformationStatus
from dirac_prodsys.core.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.gateway.dirac_inventory import Configured
from dirac_prodsys.gateway.memory_agents import EXTENDABLE, MemoryAgents
from dirac_prodsys.gateway.memory_answers import ServiceError
from dirac_prodsys.gateway.memory_catalogue import MemoryCatalogue
from dirac_prodsys.gateway.memory_faults import Fault, Kind
from dirac_prodsys.gateway.memory_jobs import FileAndTaskRows
from dirac_prodsys.gateway.memory_productions import Production
from dirac_prodsys.gateway.memory_tables import (
    AttachedFile,
    Task,
    Transformation,
    fits,
    store_query,
)

_ENOENT = 2

#: the date at which the clock of a grid begins: equal calls give equal grids
_BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001  as the database says it: UTC, and no word of that


class MemoryGrid(MemoryAgents, FileAndTaskRows):
    """One grid.

    :param agent_cycle: seconds between two runs of the agents.
    :param task_seconds: seconds that a job runs.
    :param monitor_after: seconds for which a task, or a file, must not have been touched before the
        task agent's monitoring looks at it: 600 in DIRAC (``TaskManagerAgentBase``, 9.1).
    :param step: seconds by which the clock moves at every call; 0: only :meth:`advance` moves it.
    :param fails: called with each task when its job ends; True: the job failed.
    """

    def __init__(
        self,
        *,
        agent_cycle: float = 10.0,
        task_seconds: float = 30.0,
        monitor_after: float = 0.0,
        step: float = 0.0,
        fails: Callable[[Task], bool] | None = None,
    ) -> None:
        self.agent_cycle = agent_cycle
        self.task_seconds = task_seconds
        self.monitor_after = monitor_after
        self.step = step
        self.fails = fails or (lambda task: False)
        self.now = 0.0
        #: seconds that callers have waited, each for all: they have one clock
        self.waited = 0.0
        self.catalogue = MemoryCatalogue()
        self.transformations: dict[int, Transformation] = {}
        self.faults: list[Fault] = []
        #: while True, no service answers
        self.down = False
        self.file_ids: dict[str, int] = {}
        self.productions: dict[int, Production] = {}
        #: names of agents that do not run: input_data, transformation, task, mc_extension,
        #: cleaning; or of what the task agent leaves undone: task_monitoring, file_monitoring
        self.stopped_agents: set[str] = set()
        #: groups that may write to the Transformation System; empty: all
        self.production_groups: set[str] = set()
        #: what its configuration has
        self.configured = Configured(
            storage_elements=frozenset({"DISK-A-SE", "DISK-B-SE"}),
            sites=frozenset({"SIM.SiteA.org", "SIM.SiteB.org"}),
            transformation_types=frozenset(TRANSFORMATION_TYPES),
        )
        #: ID of a transformation, and what happened to it
        self.log: list[tuple[int, str]] = []
        #: of each of these, who did it, and when
        self.log_marks: list[tuple[str, float]] = []
        #: DIRAC's name of whoever calls
        self.author = "memory"
        #: DIRAC group of whoever calls
        self.caller = ""
        self._next_id = 1
        #: what services still do of calls that nobody waits for any more, and in how many seconds
        self._late: list[tuple[float, Callable[[], None]]] = []
        self._next_cycle = agent_cycle

    def fault(self, kind: Kind, method: str = "", *, after: int = 0, times: int = 1) -> Fault:
        """Plan a fault; see :mod:`dirac_prodsys.gateway.memory_faults`."""
        planned = Fault(kind, method, after, times)
        self.faults.append(planned)
        return planned

    # -- the clock and the agents ----------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass: jobs end, agents run."""
        self._serve_late(seconds)
        target = self.now + seconds
        while self._next_cycle <= target:
            self.now = self._next_cycle
            self._next_cycle += self.agent_cycle
            self._cycle()
        self.now = target
        self._end_jobs()

    def later(self, seconds: float, serve: Callable[[], None]) -> None:
        """Let a service do something in so many seconds."""
        self._late.append((seconds, serve))

    def wait(self, seconds: float) -> None:
        """Let a caller wait: time passes for services that are slow, and for nothing else."""
        self.waited += seconds
        self._serve_late(seconds)

    def _serve_late(self, seconds: float) -> None:
        late = [(left - seconds, serve) for left, serve in self._late]
        self._late = [(left, serve) for left, serve in late if left > 0]
        for left, serve in late:
            if left <= 0:
                serve()

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
            "CreationDate": _BEGIN + timedelta(seconds=int(self.now)),
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
        rows = [t.row for t in self.transformations.values() if fits(t.row, where)]
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
        found.row[name] = value
        told = "Body updated" if name == "Body" else f"{name} updated to {value}"
        self._tell(transformation, told)

    def _tell(self, transformation: int | str, message: str) -> None:
        """``TransformationDB.__updateTransformationLogging``: also of what was so before."""
        self.log.append((int(transformation), message))
        self.log_marks.append((self.author, self.now))

    def serve_addFilesToTransformation(self, transformation: int, lfns: list[str]) -> Any:
        attached = self._of(transformation).files
        if not lfns:
            raise ServiceError("Zero length LFN list")
        known = set(attached)
        for lfn in lfns:
            attached.setdefault(lfn, AttachedFile())
        words = {lfn: "Present" if lfn in known else "Added" for lfn in lfns}
        return {"Successful": words, "Failed": {}}

    def serve_extendTransformation(
        self, transformation: int, tasks: int, told: int | None = None
    ) -> list[int]:
        """Log it at the end.

        :param told: the number that is logged, 0: none; of a call whose tasks come one by one.
        """
        found = self._of(transformation)
        if found.row["Type"].lower() not in EXTENDABLE:
            raise ServiceError("Can not extend non-SIMULATION type production")
        added = [self._add_task(found, []) for _ in range(tasks)]
        if told is None or told:
            self._tell(transformation, f"Transformation extended by {told or tasks} tasks")
        return added

    def serve_getCounters(
        self, table: str, fields: list[str], where: dict[str, Any]
    ) -> list[list[Any]]:
        rows: list[dict[str, Any]] = []
        for identifier, t in self.transformations.items():
            if table == "TransformationFiles":
                rows += [
                    {
                        "TransformationID": identifier,
                        "Status": str(f.status),
                        "ErrorCount": f.errors,
                    }
                    for f in t.files.values()
                ]
            else:
                rows += [
                    {"TransformationID": identifier, "ExternalStatus": str(task.status)}
                    for task in t.tasks.values()
                ]
        counts = Counter(tuple(row[f] for f in fields) for row in rows if fits(row, where))
        return [[dict(zip(fields, key, strict=True)), count] for key, count in counts.items()]

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
        "TransformationFamily",
    }
)
