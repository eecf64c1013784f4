"""What a person does when everything works again, and meanwhile with DIRAC's own commands.

Starts what a person stopped, sets files right that need a person, begins anew what was cleaned
with all that took its files. What failed is cleared by the walk itself.

Invariant: nothing that our code should have done by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION, FileStatus
from tests.walk.guards import Guards
from tests.walk.observer import Observer
from tests.walk.productions import Walked
from tests.walk.schedule import Schedule
from tests.walk.tasks import DONE, group_of
from tests.walk.world import WalkedGrid

#: what a step says that gets or leaves no file at all
EMPTY = ("would be frozen without any file", "finds no file for this step")


class Person:
    """Mix-in of :class:`Walk`."""

    grid: WalkedGrid
    walked: Walked
    observer: Observer
    airflow: Schedule
    vanished: list[str]
    guards: Guards
    tell: Callable[[str], None]

    def hand(self, number: int, act: str) -> str:
        """What a person does to a transformation, if it makes sense; in words."""
        found = self.grid.transformations[number]
        simulates = found.row["Type"].lower() == "mcsimulation"
        allowed = {
            "Stopped": ("Active", "Flush", "Idle"),
            "Flush": ("Active",),
            "Completed": ("Active", "Flush", "Stopped"),
            "Active": ("Stopped",),
            "Cleaning": ("Active", "Stopped", "Completed"),
            "extend": ("Active", "Stopped") if simulates else (),
        }.get(act, () if simulates else ("New", "Active", "Stopped"))
        if found.status not in allowed:
            return f"no {act} of {number}, which is {found.status}"
        self.grid.by_hand(number, act)
        return f"{act} of {number}"

    def _hopeless(self) -> bool:
        """Nothing came of a step, as a person completed it before anything could, or a policy takes
        files for done that vanished or failed; or a loop came to its bound; or a step goes on with
        files that are removed."""
        completed = any("Completed" in words for words in self.grid.hands.values())
        empty = any(word in failure for failure in self.observer.failures[-4:] for word in EMPTY)
        looped = self.guards.hopeless(self.observer.failures[-4:])
        lenient = any(p.rules.max_problematic for p in self.observer.plans.values())
        return looped or self._stale() or (empty and (completed or lenient or bool(self.vanished)))

    def _stale(self) -> bool:
        """A step has taken files of one that began anew, and was not cleaned with it."""
        found = self.grid.transformations.values()
        return any(t.status in REMOVED_TRANSFORMATION for t in found) and any(
            lfn not in self.grid.catalogue.files
            for t in found
            if t.status not in REMOVED_TRANSFORMATION
            for lfn in t.files
        )

    def _anew(self) -> list[str]:
        """A person has cleaned a step: so are those that took its files, and what was left of them
        is removed; then their tasks are to be cleared."""
        found, plans = self.grid.transformations, self.observer.plans
        last = {self.grid.step_of(number): number for number in sorted(found)}
        affected = {step for step, n in last.items() if found[n].status in REMOVED_TRANSFORMATION}
        affected |= self.grid.deleted - last.keys()
        in_the_way = {step for step, n in last.items() if self._in_the_way(found[n].row)}
        affected |= in_the_way
        for step in plans.values():  # parents stand before their children
            if affected & {*step.parents, *step.feeders}:
                affected.add(step.name)
        waits = False
        for number in (last[step] for step in sorted(affected) if step in last):
            new = found[number].status == "New" and self.grid.step_of(number) not in in_the_way
            if not new and found[number].status not in REMOVED_TRANSFORMATION:
                self.grid.by_hand(number, "Cleaning")
            waits = waits or found[number].status == "Cleaning"
        if waits or not affected:
            return []
        for step in (plans[name] for name in affected):
            for folder in step.transformation.directories:
                self.grid.catalogue.forget(folder.path)
            if step.dataset is not None:
                self.grid.catalogue.datasets.pop(step.dataset.name, None)
        groups = {naming.group_id(step) for step in affected}
        gone = {naming.group_id(step) for step in self.grid.deleted}
        self.grid.deleted.clear()
        states = self.airflow.states()
        # what was cleared and has not come to its start yet is on its way
        done = {group for group in groups if states[f"{group}.start"] in DONE} | gone
        verified = next(s for t, s in states.items() if t.endswith(".verify")) == "success"
        own = [
            task
            for task in states
            if group_of(task) in done
            # what was deleted is made by the task that made it first
            and (".create." not in task or group_of(task) in gone or not verified)
        ]
        return [*own, *self.airflow.undone()] if own else []

    def _in_the_way(self, row: Mapping[str, Any]) -> bool:
        """A task that creates has found another transformation than the plan's."""
        reason = f"{row['TransformationName']} is not what is asked for"
        return any(reason in failure for failure in self.observer.failures[-4:])

    def _set_right(self) -> None:
        """What only a person can do."""
        for number, found in self.grid.transformations.items():
            if found.status in ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION:
                continue
            if found.status == "Stopped":
                self.tell(f"a person starts {number}")
                self.grid.by_hand(number, "Active")
            if count := self.grid.mended(number):
                self.tell(f"a person sets {count} files of {number} Unused")
            if self._is_rest(number):
                self.tell(f"a person flushes {number}")
                self.grid.by_hand(number, "Flush")
            if count := self._stranded(number):
                self.tell(f"a person sets {count} files of {number} that were left behind")
            self._replace_failed(number)

    def _is_rest(self, number: int) -> bool:
        """Nothing was done, as all there is is a rest that is never flushed."""
        files = self.grid.transformations[number].files.values()
        rules = self.observer.plans[self.grid.step_of(number)].rules
        return rules.flush == "never" and {str(file.status) for file in files} == {"Unused"}

    def _stranded(self, number: int) -> int:
        """Files that are left to a person, or that nobody looks at as recovery is passive."""
        found, count = self.grid.transformations[number], 0
        for lfn, file in found.files.items():
            task = found.tasks.get(file.task)
            if file.status != FileStatus.ASSIGNED or task is None or self.grid.alive(task):
                continue
            times = self.grid.processed(number)[lfn]
            file.status = FileStatus.PROCESSED if times else FileStatus.UNUSED
            self.grid.wanted_again.setdefault(number, set()).add(lfn)
            count += 1
        return count

    def _replace_failed(self, number: int) -> None:
        """Steps without input that may not extend themselves."""
        found = self.grid.transformations[number]
        step = self.observer.plans[self.grid.step_of(number)]
        good = sum(task.good is not False for task in found.tasks.values())
        missing = (step.rules.tasks or 0) - good
        if step.rules.needs_input or not found.tasks or missing <= 0:
            return
        for _ in range(missing):
            self.grid.by_hand(number, "extend")
        self.tell(f"a person adds {missing} tasks to {number}")
