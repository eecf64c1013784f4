"""What is on the grid when a run has succeeded: I1, I4, I6 and I7.

Invariant: see :mod:`observer`.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, FileStatus
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.memory.tables import Transformation
from tests.walk.watching import Watching


class Ending(Watching):
    """Part of :class:`Observer`."""

    def at_the_end(self) -> None:
        """The run has succeeded: what is on the grid now?"""
        for name, step in self.plans.items():
            found = [t for t in self.grid.transformations.values() if self._step_name(t) == name]
            removed = [t for t in found if t.status in REMOVED_TRANSFORMATION]
            found = [t for t in found if t not in removed]
            if not found and (removed or name in self.grid.deleted):
                continue  # by a person, when the run had done with it
            needless = self.guards is not None and self.guards.needless(name)
            if len(found) != int(not needless):
                self.note("I1", f"{name} has {len(found)} transformations at the end")
            for one in found:
                self._check_end(one, step)

    def _check_end(self, found: Transformation, step: StepPlan) -> None:
        number, label = int(found.row["TransformationID"]), self._label(found)
        if found.status not in ("Completed", "Archived"):
            self.note("I4", f"the run is done, and {label} is {found.status}")
        by_hand = self.grid.hands.get(number, set())
        for lfn, times in self.grid.processed(number).items():
            if (number, lfn) in self.grid.excused:
                continue
            if times > 1:
                self.note("I6", f"{label}: {lfn} was processed {times} times")
            status = found.files[lfn].status if lfn in found.files else ""
            if (status == FileStatus.PROCESSED) != (times == 1) and "Completed" not in by_hand:
                self.note("I6", f"{label}: {lfn} is {status}, processed {times} times")
        if not step.rules.needs_input:
            self._check_tasks(found, step, by_hand)
        if self.grid.struck & {"crash", "lost"} or number not in self.requeued:
            return
        noted = self._ledger(found)
        for lfn, times in self.requeued[number].items():
            if sum(noted.of_file(lfn).values()) != times:
                self.note("I7", f"{label}: {lfn} tried again {times}, noted {noted.of_file(lfn)}")

    def _check_tasks(self, found: Transformation, step: StepPlan, by_hand: set[str]) -> None:
        declared = step.rules.tasks or 0
        failed = sum(task.good is False for task in found.tasks.values())
        own = self.grid.person_tasks.get(int(found.row["TransformationID"]), 0)
        if len(found.tasks) > declared + own and not failed:
            self.note("I6", f"{self._label(found)} has {len(found.tasks)} tasks of {declared}")
        if len(found.tasks) < declared and "Completed" not in by_hand:
            self.note("I6", f"{self._label(found)} has {len(found.tasks)} tasks of {declared}")
