"""Flush and Completed, judged before they are done: I3 and I4.

Invariant: see :mod:`observer`.
"""

from __future__ import annotations

import math
from collections import Counter

from dirac_prodsys.core.grid.status import FINAL_TASKS, GOOD_TASKS, FileStatus
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.memory.tables import Transformation
from tests.walk.watching import Watching

_GONE = (FileStatus.REMOVED, FileStatus.DELETED)


class Closing(Watching):
    """Part of :class:`Observer`."""

    def _flushing(self, found: Transformation, number: int, step: StepPlan) -> None:
        label = self._label(found)
        if step.rules.flush == "manual":
            if self.guards is None or step.name not in self.guards.flushed:
                self.note("I3", f"{label} is flushed, and nobody asked for it")
            return
        for parent in (*step.parents, *step.feeders):
            if not self.has_ended(parent):
                self.note("I3", f"{label} is flushed while {parent} may make files")
        quiet = 2 * self.grid.agent_cycle
        came, seen = self.grid.attached_at.get(number, -quiet), self._seen(number)
        if seen - quiet < came <= seen:
            self.note("I3", f"{label} is flushed, files came at {came:.0f} s, seen {seen:.0f} s")
        if missing := self._unattached(found, step):
            self.note("I3", f"{label} is flushed, and {len(missing)} files are not attached")

    def _completing(self, found: Transformation, number: int, step: StepPlan) -> None:
        label, rules = self._label(found), step.rules
        words = Counter(str(task.status) for task in found.tasks.values())
        if not rules.needs_input:
            alive = sum(
                str(task.status) not in FINAL_TASKS
                and self.grid.made_at[number, task.id] <= self._seen(number)
                for task in found.tasks.values()
            )
            if alive:
                self.note("I4", f"{label} is completed while {alive} tasks are alive")
            good = sum(n for word, n in words.items() if word in GOOD_TASKS)
            wanted = rules.tasks or 0
            if good < wanted - math.floor(wanted * rules.tolerance):
                self.note("I4", f"{label} is completed with {good} of {wanted} tasks")
            return
        seen = self._seen(number)
        if self.grid.attached_at.get(number, 0.0) > seen:
            return  # they came while it was being done
        if self.grid.resized_at.get(number, 0.0) > seen:
            return  # a person made the groups smaller while it was being done: a rest is one now
        if self.grid.vanished_at > seen - self.grid.agent_cycle:
            return  # they went, or were found to have gone
        files = Counter(str(file.status) for file in found.files.values())
        attached = sum(n for word, n in files.items() if word not in _GONE)
        processed, unused = files[FileStatus.PROCESSED], files[FileStatus.UNUSED]
        given_up = rules.give_up_after is not None
        rest = rules.flush == "never" and unused < float(found.row["GroupSize"])
        if not given_up and (files[FileStatus.ASSIGNED] or (unused and not rest)):
            self.note("I4", f"{label} is completed with {dict(files)}")
        counted = attached - unused if rules.flush == "never" else attached
        limit = rules.max_problematic
        enough = processed >= rules.min_processed * counted
        if limit is not None:
            enough = counted - processed <= limit and (rules.min_processed == 1.0 or enough)
        if not counted or not enough:
            self.note("I4", f"{label} is completed with {dict(files)}, which is not enough")
        if not given_up and (missing := self._unattached(found, step)):
            self.note("I4", f"{label} is completed, and {len(missing)} files are not attached")
