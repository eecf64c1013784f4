"""Runs the agents of the in-memory grid, and the worker nodes behind them.

Invariant: each agent acts on the same states as the agent of that name in DIRAC 9.1.22, and does
the same. All of them run once a cycle, always in the same order.
"""

from __future__ import annotations

import ast
import json
import posixpath
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.core.grid.snapshot import RESET_LIMIT
from dirac_prodsys.core.grid.status import FileStatus, TaskStatus
from dirac_prodsys.core.grid.status import TransformationStatus as S
from dirac_prodsys.gateway.memory.requests import carry_out, operations_of, valid
from dirac_prodsys.gateway.memory.site_plugins import FREE, SeenFiles, site_plugin, tasks_of
from dirac_prodsys.gateway.memory.tables import AttachedFile, Task, Transformation
from dirac_prodsys.gateway.memory.transformations import EXTENDABLE, Transformations

#: the field by which the cleaning agent finds files (``TransfIDMeta``)
_SIGNATURE = "TransformationID"

#: defaults of the MCExtensionAgent: TasksPerIteration, MaxFailureRate, MaxWaitingJobs
_PER_ITERATION, _MAX_FAILED, _MAX_WAITING = 50, 30, 1000


def tasks_to_add(most: int, tasks: Mapping[str, int]) -> int:
    """Return how many tasks the MCExtensionAgent adds now (its ``_calculateTaskNumber``, 9.1).

    :param most: MaxNumberOfTasks.
    :param tasks: number of tasks by status.
    """
    total, failed = sum(tasks.values()), tasks.get(TaskStatus.FAILED, 0)
    if total and 100.0 * failed / total > _MAX_FAILED:
        return 0
    if tasks.get(TaskStatus.DONE, 0) >= most or tasks.get(TaskStatus.WAITING, 0) > _MAX_WAITING:
        return 0
    return min(max(0, most - (total - failed)), _PER_ITERATION)


class MemoryAgents(Transformations):
    """The agents, running on the Transformation System.

    :param task_seconds, monitor_after, fails: as for :class:`MemoryGrid`.
    """

    def __init__(
        self, *, task_seconds: float, monitor_after: float, fails: Callable[[Task], bool]
    ) -> None:
        super().__init__()
        self.task_seconds = task_seconds
        self.monitor_after = monitor_after
        self.fails = fails
        #: names of agents that do not run: input_data, transformation, task, mc_extension,
        #: cleaning; or of parts of the task agent that do not run: task_monitoring, file_monitoring
        self.stopped_agents: set[str] = set()

    def _cycle(self) -> None:
        self._end_jobs()
        agents: dict[str, tuple[Callable[[Transformation], None], tuple[str, ...]]] = {
            "cleaning": (self._clean, (S.CLEANING,)),
            "task": (self._monitor, (S.ACTIVE, S.COMPLETING, S.STOPPED)),
            "input_data": (self._attach, (S.ACTIVE,)),
            "transformation": (self._group, (S.ACTIVE, S.COMPLETING, S.FLUSH)),
            "mc_extension": (self._extend, (S.ACTIVE,)),
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
        """Run the InputDataAgent."""
        if transformation.row["Type"].lower() in EXTENDABLE:
            return
        query = transformation.stored_query("Input")
        for lfn in self.catalogue.find(query) if query else []:
            transformation.files.setdefault(lfn, AttachedFile(inserted=self.now))

    def _group(self, transformation: Transformation) -> None:
        """Run the TransformationAgent.

        Its plugins are those of communities, BySize, and Standard also in place of all others.
        """
        flush = transformation.status == S.FLUSH
        if plugin := site_plugin(str(transformation.row["Plugin"])):
            for group in tasks_of(plugin, SeenFiles(transformation, self.catalogue, self.now)):
                if all(transformation.files[lfn].status in FREE for lfn in group):
                    self._add_task(transformation, group)
            if flush:
                self._set_status(transformation, S.ACTIVE)
            return
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
            self._set_status(transformation, S.ACTIVE)

    def _extend(self, transformation: Transformation) -> None:
        """Run the MCExtensionAgent."""
        if transformation.row["Type"].lower() in EXTENDABLE:
            words = Counter(str(task.status) for task in transformation.tasks.values())
            for _ in range(tasks_to_add(int(transformation.row["MaxNumberOfTasks"]), words)):
                self._add_task(transformation, [])

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

    def _submit(self, transformation: Transformation) -> None:
        """Run the WorkflowTaskAgent or RequestTaskAgent: submission."""
        if transformation.status not in (S.ACTIVE, S.COMPLETING):
            return
        if transformation.row["AgentType"] != "Automatic":
            return
        if not valid(operations_of(transformation)):
            return
        for task in transformation.tasks.values():
            if task.status == TaskStatus.CREATED:
                task.status = TaskStatus.SUBMITTED
                task.updated = self.now
                task.ends = self.now + self.task_seconds

    def _monitor(self, transformation: Transformation) -> None:
        """Run the WorkflowTaskAgent or RequestTaskAgent: ``MonitorTasks``, then ``MonitorFiles``.

        A site may run either without the other: the state of a file follows job monitoring, not the
        status of its task (``WorkflowTasks.getSubmittedFileStatus``, 9.1).
        """
        if "task_monitoring" not in self.stopped_agents:
            self._monitor_tasks(transformation)
        if "file_monitoring" not in self.stopped_agents:
            self._monitor_files(transformation)

    def _monitor_tasks(self, transformation: Transformation) -> None:
        for task in transformation.tasks.values():
            if task.ends is None or task.status in (TaskStatus.DONE, TaskStatus.FAILED):
                continue
            if self.now - task.updated < self.monitor_after:
                continue
            ended = TaskStatus.DONE if task.good else TaskStatus.FAILED
            status = TaskStatus.RUNNING if task.good is None else ended
            if status != task.status:
                task.status, task.updated = status, self.now

    def _monitor_files(self, transformation: Transformation) -> None:
        by_requests = bool(operations_of(transformation))
        for attached in transformation.files.values():
            task = transformation.tasks.get(attached.task)
            if attached.status != FileStatus.ASSIGNED or task is None or task.good is None:
                continue
            if self.now - attached.updated < self.monitor_after:
                continue
            attached.updated = self.now
            if task.good:
                attached.status = FileStatus.PROCESSED
                continue
            given_up = attached.errors and attached.errors % RESET_LIMIT == 0
            again = FileStatus.MAX_RESET if given_up else FileStatus.UNUSED
            # a file that its request did not finish
            attached.status = FileStatus.PROBLEMATIC if by_requests else again
            attached.errors += 1

    def _clean(self, transformation: Transformation) -> None:
        """Run the TransformationCleaningAgent, with DIRAC's default ``DirectoryLocations``."""
        number = int(transformation.row["TransformationID"])
        by_requests = bool(operations_of(transformation))
        if not by_requests:
            listed = transformation.parameters.get("OutputDirectories")
            if listed is None:
                return  # "Problem obtaining directories", in every cycle
            for lfn in self._outputs(number, listed):
                self.catalogue.remove(lfn)
        transformation.files.clear()
        transformation.tasks.clear()
        transformation.queries.clear()
        archived = S.ARCHIVED if by_requests else S.CLEANED
        self._set_status(transformation, archived)

    def _outputs(self, number: int, listed: Any) -> list[str]:
        """Return files below directories with the ID in eight digits, and files with the ID."""
        try:
            named = ast.literal_eval(str(listed)) if listed else []
        except (ValueError, SyntaxError):
            named = [listed]
        below = [f"{posixpath.normpath(each)}/" for each in named if f"{number:08d}" in each]
        found = [lfn for lfn in self.catalogue.files if lfn.startswith(tuple(below))]
        return [*found, *set(self.catalogue.find({_SIGNATURE: number})).difference(found)]

    def _set_status(self, transformation: Transformation, status: S) -> None:
        number = int(transformation.row["TransformationID"])
        self.serve_setTransformationParameter(number, "Status", str(status))
