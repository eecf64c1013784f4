"""The agents of the in-memory grid, and the worker nodes behind them.

Invariant: each acts on the states on which DIRAC 9.1.22's agent of that name acts, and does what it
does; all of them together run once a cycle, always in the same order.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from typing import Any

from dirac_prodsys.core.status import FileStatus, TaskStatus, TransformationStatus
from dirac_prodsys.gateway.memory_catalogue import MemoryCatalogue
from dirac_prodsys.gateway.memory_requests import carry_out, operations_of, valid
from dirac_prodsys.gateway.memory_tables import AttachedFile, Task, Transformation

#: types of transformation that are extended by hand (``ExtendableTransfTypes``)
EXTENDABLE = ("mcsimulation", "simulation")

#: the field by which the cleaning agent finds files (``TransfIDMeta``)
_SIGNATURE = "TransformationID"

#: failures after which a file is given up (``FilesMaxResetCounter``)
MAX_RESET = 10


class MemoryAgents:
    """Mix-in of :class:`MemoryGrid`."""

    now: float
    task_seconds: float
    fails: Callable[[Task], bool]
    catalogue: MemoryCatalogue
    transformations: dict[int, Transformation]
    stopped_agents: set[str]

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
        if not isinstance(body, dict):
            return
        operations = operations_of(transformation)
        carry_out(operations, task.lfns, transformation.parameters, self.catalogue)
        for output in body.get("outputs", []):
            name = output["name"].replace("@{JOB_ID}", f"{task.id:08d}")
            name = name.replace("@{PRODUCTION_ID}", f"{task.transformation:08d}")
            turns = output.get("metadata")
            own = dict(turns[(task.id - 1) % len(turns)]) if turns else {}
            if _SIGNATURE in self.catalogue.file_fields:
                own[_SIGNATURE] = task.transformation
            lfn = posixpath.join(output["directory"], name)
            self.catalogue.register(lfn, se=output["se"], **own)

    def _attach(self, transformation: Transformation) -> None:
        """InputDataAgent."""
        if transformation.row["Type"].lower() in EXTENDABLE:
            return
        query = transformation.stored_query("Input")
        for lfn in self.catalogue.find(query) if query else []:
            transformation.files.setdefault(lfn, AttachedFile())

    def _group(self, transformation: Transformation) -> None:
        """TransformationAgent, plug-ins Standard (also in place of others) and BySize."""
        flush = transformation.status == TransformationStatus.FLUSH
        by_se: dict[str, list[str]] = {}
        for lfn, attached in sorted(transformation.files.items()):
            if attached.status != FileStatus.UNUSED:
                continue
            if lfn not in self.catalogue.files:
                attached.status = FileStatus.MISSING_IN_FC
            else:
                by_se.setdefault(self.catalogue.files[lfn].se, []).append(lfn)
        for lfns in by_se.values():
            for group, full in self._groups(transformation, lfns):
                if full or flush:
                    self._add_task(transformation, group)
        if flush:
            self._set_status(transformation, TransformationStatus.ACTIVE)

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
        if not valid(operations_of(transformation)):
            return
        for task in transformation.tasks.values():
            if task.status == TaskStatus.CREATED:
                task.status = TaskStatus.SUBMITTED
                task.ends = self.now + self.task_seconds

    def _monitor(self, transformation: Transformation) -> None:
        """WorkflowTaskAgent or RequestTaskAgent, monitoring of tasks and files."""
        if "task_monitoring" in self.stopped_agents:
            return
        for task in transformation.tasks.values():
            if task.ends is None or task.status in (TaskStatus.DONE, TaskStatus.FAILED):
                continue
            if task.good is None:
                task.status = TaskStatus.RUNNING
                continue
            task.status = TaskStatus.DONE if task.good else TaskStatus.FAILED
            if "file_monitoring" in self.stopped_agents:
                continue
            for lfn in task.lfns:
                attached = transformation.files.get(lfn)
                if attached is None or (attached.status, attached.task) != (
                    FileStatus.ASSIGNED,
                    task.id,
                ):
                    continue
                if task.good:
                    attached.status = FileStatus.PROCESSED
                    continue
                if operations_of(transformation):  # whatever a request has not done
                    attached.status = FileStatus.PROBLEMATIC
                    attached.errors += 1
                    continue
                given_up = attached.errors and attached.errors % MAX_RESET == 0
                attached.status = FileStatus.MAX_RESET if given_up else FileStatus.UNUSED
                attached.errors += 1

    def _clean(self, transformation: Transformation) -> None:
        """TransformationCleaningAgent: of files, those that carry the ID."""
        by_requests = bool(operations_of(transformation))
        for lfn in self.catalogue.find({_SIGNATURE: int(transformation.row["TransformationID"])}):
            self.catalogue.remove(lfn)
        transformation.files.clear()
        transformation.tasks.clear()
        transformation.queries.clear()
        archived = TransformationStatus.ARCHIVED if by_requests else TransformationStatus.CLEANED
        self._set_status(transformation, archived)

    def _set_status(self, transformation: Transformation, status: TransformationStatus) -> None:
        number = int(transformation.row["TransformationID"])
        self.serve_setTransformationParameter(number, "Status", str(status))

    def serve_setTransformationParameter(self, transformation: int, name: str, value: Any) -> None:
        raise NotImplementedError
