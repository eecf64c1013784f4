"""What we do to the grid, judged before it is done: I1, I2, I6 to I9.

Invariant: see :mod:`observer`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from dirac_prodsys.core.grid.specs import plain
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, FileStatus
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.memory.tables import Transformation
from tests.walk.closing import Closing
from tests.walk.tasks import BAD

#: looks at a file's last task after which it must have been kept from the grid
LOOKS = 3


class Starting(Closing):
    """Part of :class:`Observer`."""

    def creating(self, name: str) -> None:
        """We create a transformation."""
        if self.guards is not None:
            self.guards.creating(name)

    def status(self, found: Transformation, value: str) -> None:
        """We set a status."""
        number = int(found.row["TransformationID"])
        step = self._step(found)
        if step is None:
            self.note("I1", f"{value} for {self._label(found)}, which is not in the plan")
        elif value == "Active":
            self._starting(found, number, step)
        elif value == "Flush":
            self.flushes[number] += 1
            self._flushing(found, number, step)
        elif value == "Completed":
            self._completing(found, number, step)
        elif value == "Stopped":
            self.grid.stopped_by[number] = "ours"
            self._stopping(found)
        else:
            self.note("I8", f"{self._label(found)} is set {value}")

    def tasks_added(self, found: Transformation, number: int) -> None:
        """We add tasks."""
        step = self._step(found)
        declared = step.rules.tasks if step else None
        if step is None or declared is None:
            self.note("I6", f"tasks are added to {self._label(found)}")
            return
        own = self.grid.person_tasks.get(int(found.row["TransformationID"]), 0)
        most = declared + math.floor(declared * step.rules.extend) + own
        if len(found.tasks) + number > most:
            self.note(
                "I6", f"{self._label(found)} has {len(found.tasks)} tasks and gets {number} more"
            )

    def files_set(self, found: Transformation, new: dict[str, str]) -> None:
        """We set files to other states."""
        number = int(found.row["TransformationID"])
        again = self.requeued.setdefault(number, Counter())
        for lfn, status in new.items():
            if status == found.files[lfn].status:
                continue  # only its ErrorCount is raised
            task = found.tasks.get(found.files[lfn].task)
            done = task is not None and (number, task.id) in self.grid.outputs
            if task is not None and self.grid.alive(task):
                self.note("I9", f"{lfn} becomes {status} while its task {task.id} is alive")
            if status == FileStatus.PROCESSED and not done:
                self.note("I6", f"{lfn} is Processed, and no output came of it")
            if status == FileStatus.UNUSED:
                if found.files[lfn].status == FileStatus.MAX_RESET:
                    self.grid.wanted_again.setdefault(number, set()).add(lfn)
                again[lfn] += 1
                if done:
                    self.note("I6", f"{lfn} is tried again after it was processed")
        ledger = self._ledger(found)
        for lfn, times in again.items():
            if sum(ledger.of_file(lfn).values()) < times:
                self.note("I7", f"{lfn} was tried again {times} times, noted {ledger.of_file(lfn)}")

    def deleted(self, found: Transformation) -> None:
        """We delete a row."""
        number = int(found.row["TransformationID"])
        if number in self.started or found.status != "New" or found.tasks or found.files:
            self.note("I8", f"{self._label(found)} is deleted")

    def destroyed(self, what: str) -> None:
        """We remove something else for ever."""
        self.note("I8", f"{what} is removed")

    def task_made(self, found: Transformation, lfns: list[str]) -> None:
        """The grid makes a task."""
        wanted = set(lfns)
        for task in found.tasks.values():
            if self.grid.alive(task) and wanted & set(task.lfns):
                self.note("I9", f"{sorted(wanted & set(task.lfns))} in two living tasks")
        self._trying(found, wanted)

    def _trying(self, found: Transformation, lfns: set[str]) -> None:
        """A file is tried as often as declared, whoever resets it; the grid goes on by itself while
        nobody can look, and a person may want more."""
        number, step = int(found.row["TransformationID"]), self._step(found)
        if step is None or not step.rules.needs_input or step.rules.recovery.mode != "active":
            return
        for lfn in lfns - self.grid.wanted_again.get(number, set()):
            tasks = [task.id for task in found.tasks.values() if lfn in task.lfns]
            if len(tasks) <= step.rules.recovery.max_resets:
                continue
            last = self.grid.made_at[number, tasks[-1]]
            if sum(when > last for when in self.looked_at[number]) >= LOOKS:
                self.note("I6", f"{lfn} gets its task {len(tasks) + 1} in {self._label(found)}")

    def _starting(self, found: Transformation, number: int, step: StepPlan) -> None:
        self.started.add(number)
        rivals = [
            other
            for other in self.started - {number}
            if other in self.grid.transformations
            and self._step(self.grid.transformations[other]) is step
            and self.grid.transformations[other].status not in REMOVED_TRANSFORMATION
        ]
        if rivals:
            self.note("I1", f"{self._label(found)} is started beside {rivals}")
        who = self.grid.stopped_by.get(number)
        if found.status == "Stopped" and who != "ours":
            self.note("I8", f"{self._label(found)} is started, and a person stopped it")
        if found.status != "New":
            return
        for line in self._differences(found, step):
            self.note("I2", f"{self._label(found)} is started, but {line}")
        made = {self._step_name(t) for t in self.grid.transformations.values()}
        late: frozenset[str] = frozenset()
        if self.guards is not None:
            late = self.guards.late
            self.guards.starting(step.name)
        if missing := set(self.plans) - made - late - self.grid.deleted:
            self.note("I2", f"{self._label(found)} is started before {sorted(missing)} exist")
        if step.start == "on_complete":
            for parent in step.parents:
                if not self.has_ended(parent):
                    self.note("I2", f"{self._label(found)} is started before {parent} has ended")

    def _stopping(self, found: Transformation) -> None:
        states = set(self.states().values())
        if not states & {*BAD, "skipped"}:
            self.note("I8", f"{self._label(found)} is Stopped, and the run goes on: {states}")

    def _differences(self, found: Transformation, step: StepPlan) -> list[str]:
        spec = step.transformation
        number = int(found.row["TransformationID"])
        pairs: list[tuple[str, Any, Any]] = [
            ("Type", spec.type, found.row["Type"]),
            ("Plugin", spec.plugin, found.row["Plugin"]),
            ("Body", plain(spec.body), json.loads(found.row["Body"])),
            (
                "input query",
                spec.input_query.to_dirac() if spec.input_query else {},
                found.stored_query("Input"),
            ),
            (
                "output query",
                spec.output_query.to_dirac() if spec.output_query else {},
                found.stored_query("Output"),
            ),
        ]
        if "group_size" not in self.grid.hands.get(number, ()):
            pairs.append(("GroupSize", float(spec.group_size), float(found.row["GroupSize"])))
        return [f"{what} is {is_!r}, not {asked!r}" for what, asked, is_ in pairs if asked != is_]
