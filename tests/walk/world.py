"""The grid that is walked on: it knows who does what, and how every call may end.

Invariant: the observer hears of all that reaches the grid before it is done, with who does it:
``ours`` (a process of the run), ``action`` (one of ``production_operations``), ``person`` (with
DIRAC's own commands) or ``grid`` (its agents).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from dirac_prodsys.core.grid.status import FileStatus, TaskStatus
from dirac_prodsys.core.run.end import STOP_NOTE
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task, Transformation
from tests.walk.catalogue import WalkedCatalogue
from tests.walk.remembered import Remembered

AGENT_CYCLE, JOB_SECONDS = 60.0, 60.0


class Watcher(Protocol):
    """Hears what we do to the grid, before it is done."""

    def creating(self, name: str) -> None: ...

    def status(self, found: Transformation, value: str) -> None: ...

    def tasks_added(self, found: Transformation, number: int) -> None: ...

    def files_set(self, found: Transformation, new: dict[str, str]) -> None: ...

    def deleted(self, found: Transformation) -> None: ...

    def destroyed(self, what: str) -> None: ...

    def task_made(self, found: Transformation, lfns: list[str]) -> None: ...

    def acted(self, number: int, what: str, value: Any) -> None: ...


#: tasks of one step; no walk comes near
MOST_TASKS = 500


class EndlessError(Exception):
    """A transformation takes its own output, again and again."""


class WalkedGrid(MemoryGrid, Remembered):
    """A grid that knows who acts, and that enforces no names, as DIRAC's check is not atomic.

    :param seed: of its jobs' fates.
    """

    watcher: Watcher

    def __init__(self, seed: int) -> None:
        self.jobs = random.Random(seed * 7 + 1)  # noqa: S311  not for secrets
        MemoryGrid.__init__(
            self, agent_cycle=AGENT_CYCLE, task_seconds=JOB_SECONDS, fails=self._fate
        )
        Remembered.__init__(self)
        self.catalogue: WalkedCatalogue = WalkedCatalogue(self)
        self.actor = "grid"
        #: part of the jobs that fail now
        self.failing = 0.0
        #: whether failed jobs may have left their output; only where nobody monitors files
        self.torn_jobs = False
        #: LFN → content of the number files that jobs leave
        self.numbers: dict[str, bytes] = {}
        #: of those who wanted to make tasks
        self.tokens = 0
        #: files that vanished: the task whose only witness they were
        self.lost: dict[str, tuple[int, int]] = {}

    @contextmanager
    def acting(self, who: str) -> Iterator[None]:
        """Who acts for a while."""
        before, self.actor = self.actor, who
        try:
            yield
        finally:
            self.actor = before

    def advance(self, seconds: float) -> None:
        with self.acting("grid"):
            super().advance(seconds)

    def step_of(self, number: int) -> str:
        """The step that a transformation serves, by its name."""
        return str(self.transformations[number].row["TransformationName"]).split("__")[2]

    def _fate(self, task: Task) -> bool:
        key = (task.transformation, task.id)
        if self.jobs.random() >= self.failing:
            self.outputs.add(key)
            return False
        if self.torn_jobs and self.jobs.random() < 0.4:
            self._register_outputs(self.transformations[task.transformation], task)
            self.outputs.add(key)
        return True

    def _register_outputs(self, transformation: Transformation, task: Task) -> None:
        super()._register_outputs(transformation, task)
        for lfn in self._left(transformation, task.id) if self.numbers else ():
            if lfn in self.numbers and self.catalogue.files[lfn].content is None:
                self.catalogue.write(lfn, self.numbers[lfn])

    def _submit(self, transformation: Transformation) -> None:
        waiting = [t for t in transformation.tasks.values() if t.status == TaskStatus.CREATED]
        super()._submit(transformation)
        for task in waiting:
            if task.ends is not None:  # jobs of one step take their own time each
                task.ends += JOB_SECONDS * self.jobs.choice((0, 0, 1, 3, 6))

    def _attach(self, transformation: Transformation) -> None:
        before = len(transformation.files)
        super()._attach(transformation)
        if len(transformation.files) > before:
            self.attached_at[int(transformation.row["TransformationID"])] = self.now

    def _add_task(self, transformation: Transformation, lfns: list[str]) -> int:
        if len(transformation.tasks) > MOST_TASKS:
            name = transformation.row["TransformationName"]
            raise EndlessError(f"{name} has {MOST_TASKS} tasks, and there are more and more")
        self.watcher.task_made(transformation, lfns)
        number = super()._add_task(transformation, lfns)
        self.made_at[int(transformation.row["TransformationID"]), number] = self.now
        return number

    # -- the service -----------------------------------------------------------------------------

    def serve_addTransformation(self, name: str, *rest: Any, **more: Any) -> int | None:  # noqa: N802
        if self.actor == "ours":
            self.watcher.creating(name)
        hidden = [t for t in self.transformations.values() if t.row["TransformationName"] == name]
        for found in hidden:
            found.row["TransformationName"] = ""
        try:
            return super().serve_addTransformation(name, *rest, **more)
        finally:
            for found in hidden:
                found.row["TransformationName"] = name

    def serve_setTransformationParameter(  # noqa: N802
        self, transformation: int, name: str, value: Any
    ) -> None:
        found = self._of(transformation)
        number = int(found.row["TransformationID"])
        if name == "Status" and self.actor == "ours":
            self.watcher.status(found, str(value))
        self._acted(number, name, value)
        if value == "Stopped" or (name == STOP_NOTE and not value):
            self.stopped_by[number] = self.actor
        super().serve_setTransformationParameter(transformation, name, value)

    def serve_extendTransformation(  # noqa: N802
        self, transformation: int, tasks: int, logged: int | None = None
    ) -> list[int]:
        if self.actor == "ours":
            self.watcher.tasks_added(self._of(transformation), tasks)
        self._acted(int(transformation), "tasks", tasks)
        return super().serve_extendTransformation(transformation, tasks, logged)

    def serve_setFileStatusForTransformation(  # noqa: N802
        self, transformation: int, new: dict[int, list[Any]]
    ) -> None:
        names = {number: lfn for lfn, number in self.file_ids.items()}
        if self.actor == "ours":
            changes = {names[int(number)]: str(status) for number, (status, _) in new.items()}
            self.watcher.files_set(self._of(transformation), changes)
        super().serve_setFileStatusForTransformation(transformation, new)

    def serve_deleteTransformation(self, transformation: int) -> None:  # noqa: N802
        if self.actor == "ours":
            self.watcher.deleted(self._of(transformation))
        number = int(self._of(transformation).row["TransformationID"])
        self._acted(number, "deleted", True)
        if self.actor == "action":
            self.deleted.add(self.step_of(number))
        self.outputs = {each for each in self.outputs if each[0] != number}
        super().serve_deleteTransformation(transformation)

    def _acted(self, number: int, what: str, value: Any) -> None:
        if self.actor == "action":
            self.watcher.acted(number, what, value)

    # -- persons ---------------------------------------------------------------------------------

    def by_hand(self, number: int, act: str) -> None:
        """What a person does to a transformation with DIRAC's own commands.

        :param act: a status, ``extend`` or a number, which becomes the group size.
        """
        self.remember_hand(number, act, self.now)
        with self.acting("person"):
            if act == "extend":
                self.serve_extendTransformation(number, 1)
            elif act.isdigit():
                self.serve_setTransformationParameter(number, "GroupSize", float(act))
            else:
                agent_type = {"Active": "Automatic", "Stopped": "Manual"}.get(act)
                if agent_type:
                    self.serve_setTransformationParameter(number, "AgentType", agent_type)
                self.serve_setTransformationParameter(number, "Status", act)

    def lose(self, lfn: str) -> None:
        """A file vanishes from the catalogue; what it was the only witness of counts no more."""
        self.catalogue.remove(lfn)
        self.vanished_at = self.now
        for number, task in sorted(self.outputs):
            found = self.transformations[number]
            if found.tasks and found.tasks[task].good is False and lfn in self._left(found, task):
                self.outputs.remove((number, task))
                self.lost[lfn] = (number, task)

    def restore(self, lfn: str) -> None:
        """A file that vanished is back; what is made again meanwhile is made in good faith."""
        self.catalogue.register(lfn)
        number, task = self.lost.get(lfn, (0, 0))
        if number not in self.transformations or task not in self.transformations[number].tasks:
            return
        found, again = self.transformations[number], self.processed(number)
        took = found.tasks[task].lfns
        on_their_way = [
            name
            for name in took
            if found.files[name].task != task or found.files[name].status == FileStatus.UNUSED
        ]
        if on_their_way:
            self.excused.update((number, name) for name in took)
        elif not any(again[name] for name in took):
            self.outputs.add((number, task))

    def _left(self, found: Transformation, task: int) -> list[str]:
        outputs = json.loads(found.row["Body"])["outputs"]
        number = f"{task:08d}"
        return [f"{o['directory']}/{o['name']}".replace("@{JOB_ID}", number) for o in outputs]

    def mended(self, number: int) -> int:
        """A person sets files in states of failure Unused; returns how many."""
        bad = (FileStatus.MAX_RESET, FileStatus.MISSING_IN_FC, FileStatus.PROBLEMATIC)
        found = self.transformations[number].files
        files = {lfn: file for lfn, file in found.items() if file.status in bad}
        self.wanted_again.setdefault(number, set()).update(files)
        done = self.processed(number)
        for lfn, file in files.items():
            # one whose output had vanished, and is back
            file.status = FileStatus.PROCESSED if done[lfn] else FileStatus.UNUSED
        return len(files)

    def alive(self, task: Task) -> bool:
        """Whether a task's job may still do something."""
        return task.good is None and task.status not in (TaskStatus.DONE, TaskStatus.FAILED)

    def processed(self, number: int) -> dict[str, int]:
        """How often each attached file was processed: by how many tasks that left output."""
        found = self.transformations[number]
        count = dict.fromkeys(found.files, 0)
        for task in found.tasks.values():
            if (number, task.id) in self.outputs:
                for lfn in task.lfns:
                    count[lfn] = count.get(lfn, 0) + 1
        return count
