"""The ten invariants, watched from the grid's side while a production walks.

I1  at most one started transformation for each step (and generation) of a run
I2  none is started that differs from its plan, and none before all are created
I3  no flush before the input is settled
I4  no Completed while a file is open, or fewer are done than the policy asks for
I5  an outage fails no task; and no task fails without a reason that lies in the grid
I6  nothing is done twice and nothing is lost: files, tasks
I7  what we noted down equals what we did
I8  nothing is destroyed that anybody may still want
I9  each file is in one living task at most
I10 what was decided can be decided again from what was written down

Invariant: everything is judged by what the grid holds and by the plan, never by the code that is
watched.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.core.plan import StepPlan
from dirac_prodsys.core.policy import DECISIVE, History, StepRules, judge
from dirac_prodsys.core.recovery_ledger import PARAMETER, Ledger
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.core.specs import plain
from dirac_prodsys.core.status import (
    BAD_TASKS,
    FINAL_TASKS,
    GOOD_TASKS,
    REMOVED_TRANSFORMATION,
    FileStatus,
)
from dirac_prodsys.errors import GatewayDenied, GatewayUnavailable
from dirac_prodsys.gateway.memory_faults import Crash
from dirac_prodsys.gateway.memory_tables import Transformation
from tests.walk.clock import BEGIN
from tests.walk.schedule import BAD, Attempt
from tests.walk.world import AGENT_CYCLE, WalkedGrid

#: seconds that may lie between a look at the grid and what is done about it: a worker tries by
#: itself for two minutes when the grid is down
REACTION = 250.0
QUIET = 2 * AGENT_CYCLE

_GONE = (FileStatus.REMOVED, FileStatus.DELETED)
_OPEN = (FileStatus.UNUSED, FileStatus.ASSIGNED)


class Observer:
    """Notes what is broken.

    :param plans: the plan of each step.
    :param note: called with the number of the invariant and a sentence.
    """

    def __init__(
        self,
        grid: WalkedGrid,
        plans: Mapping[str, StepPlan],
        note: Callable[[str, str], None],
    ) -> None:
        self.grid, self.plans, self.note = grid, plans, note
        self.started: set[int] = set()
        self.requeued: dict[int, Counter[str]] = {}
        self.flushes: Counter[int] = Counter()
        self.looks: dict[int, dict[str, Any]] = {}
        self.failures: list[str] = []
        #: what Airflow says of all tasks
        self.states: Callable[[], dict[str, str | None]] = dict

    # -- what we do to the grid, before it is done ------------------------------------------------

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
            task = found.tasks.get(found.files[lfn].task)
            done = task is not None and (number, task.id) in self.grid.outputs
            if task is not None and self.grid.alive(task):
                self.note("I9", f"{lfn} becomes {status} while its task {task.id} is alive")
            if status == FileStatus.PROCESSED and not done:
                self.note("I6", f"{lfn} is said to be Processed, and nothing came of it")
            if status == FileStatus.UNUSED:
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
        if found.status != "New":
            return
        for line in self._differences(found, step):
            self.note("I2", f"{self._label(found)} is started, but {line}")
        made = {self._step_name(t) for t in self.grid.transformations.values()}
        if missing := set(self.plans) - made:
            self.note("I2", f"{self._label(found)} is started before {sorted(missing)} exist")
        if step.start == "on_complete":
            for parent in step.parents:
                if not self._has_ended(parent):
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

    def _flushing(self, found: Transformation, number: int, step: StepPlan) -> None:
        label = self._label(found)
        for parent in (*step.parents, *step.feeders):
            if not self._has_ended(parent):
                self.note("I3", f"{label} is flushed while {parent} may make files")
        came, seen = self.grid.attached_at.get(number, -QUIET), self._seen(number)
        if seen - QUIET < came <= seen:
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
        if self.grid.attached_at.get(number, 0.0) > self._seen(number):
            return  # they came while it was being done
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

    def _seen(self, number: int) -> float:
        """When we looked last; now, if that is too long ago to act on it."""
        looked = self.looks.get(number, {}).get("now", 0.0) - BEGIN
        return looked if looked >= self.grid.now - REACTION else self.grid.now

    def _unattached(self, found: Transformation, step: StepPlan) -> list[str]:
        query = step.transformation.input_query
        known = self.grid.catalogue.find(query.to_dirac()) if query else []
        horizon = self._seen(int(found.row["TransformationID"])) - AGENT_CYCLE
        since = self.grid.catalogue.since
        return [lfn for lfn in known if lfn not in found.files and since[lfn] < horizon]

    def _has_ended(self, step: str) -> bool:
        """Also one whose files nobody will add to any more: it was removed by a person."""
        return any(
            t.status in ("Completed", "Archived") or t.status in REMOVED_TRANSFORMATION
            for t in self.grid.transformations.values()
            if self._step_name(t) == step
        )

    def looked(self, number: int, rules: StepRules, clock: dict[str, Any]) -> None:
        """We looked at a transformation."""
        if not rules.ready_at:
            self.looks[number] = clock

    # -- what Airflow tells -----------------------------------------------------------------------

    def event(self, trigger: Any, event: dict[str, Any]) -> None:
        """A trigger has decided: decide again from what is written down."""
        snapshot = event.get("snapshot")
        if event.get("kind") not in DECISIVE or not snapshot:
            return
        look = self.looks.get(int(snapshot["id"]))
        if look is None:
            return
        history = History.from_dict(event["history"])
        rules = StepRules.from_dict(trigger.rules)
        if rules.ready_at:
            return
        verdict, _ = judge(Snapshot.from_dict(snapshot), rules, history, **look)
        told = (event["kind"], event["reason"], event["tasks"])
        if (verdict.kind, verdict.reason, verdict.tasks) != told:
            self.note("I10", f"it was decided {told}, and now {verdict}")

    def attempt(self, attempt: Attempt) -> None:
        """An execution has ended."""
        error, name = attempt.error, attempt.task.task_id
        if attempt.end == "success" and name.endswith(".complete"):
            self._check_result(attempt)
        if error is None or isinstance(error, Crash | AirflowSkipException):
            return
        text = f"{name}: {type(error).__name__}: {error}"
        self.failures.append(text)
        causes = {type(error), type(error.__cause__)}
        if GatewayUnavailable in causes or "was down for" in text:
            self.note("I5", text)
        elif GatewayDenied in causes:
            if "denied" not in self.grid.struck:
                self.note("I5", text)
        elif not isinstance(error, AirflowFailException) or not self._explained(name, text):
            self.note("I5", text)

    def _check_result(self, attempt: Attempt) -> None:
        result = attempt.result
        found = self.grid.transformations.get(int(result["id"]))
        if found is None or found.status in REMOVED_TRANSFORMATION:
            return
        if found.status not in ("Completed", "Archived"):
            self.note("I7", f"{attempt.task.task_id} says done, {self._label(found)}")
        tasks = Counter(str(task.status) for task in found.tasks.values())
        files = Counter(str(file.status) for file in found.files.values())
        if (result["files"], result["tasks"]) != (dict(files), dict(tasks)):
            self.note(
                "I7",
                f"{attempt.task.task_id} says {result['files']} {result['tasks']}, there are "
                f"{dict(files)} {dict(tasks)}",
            )

    def _explained(self, task_id: str, text: str) -> bool:
        """Whether the reason of a failure that needs a person lies in the grid."""
        if "the run did not complete" in text:
            return True  # said by a task whose only work is to say it
        group, _, name = task_id.partition(".")
        group = name.removeprefix("ready_") if name.startswith("ready_") else group
        step = self.plans.get(group)
        if step is None:
            return False
        found = [t for t in self.grid.transformations.values() if self._step(t) is step]
        if any(t.status in REMOVED_TRANSFORMATION for t in found):
            return True
        if "without an ID" in text:
            return "no_id" in self.grid.struck
        if "there is no transformation" in text:
            return not found
        if not found:
            return False
        (one, *_) = found
        number = int(one.row["TransformationID"])
        words = Counter(str(task.status) for task in one.tasks.values())
        files = Counter(str(file.status) for file in one.files.values())
        if "would be frozen without any file" in text:
            dataset = step.dataset
            return dataset is not None and not self.grid.catalogue.find(dataset.query.to_dirac())
        if "was given up" in text or "given up after" in text:
            return step.rules.give_up_after is not None
        if "the most that is allowed" in text:
            return self.flushes[number] >= step.rules.max_flushes
        if "none is left" in text and not step.rules.needs_input:
            return any(words[word] for word in BAD_TASKS)
        if "none is left to process" in text:
            open_ = sum(files[word] for word in _OPEN)
            return not open_ or step.rules.flush == "never"
        if "finds no file" in text:
            query = step.transformation.input_query
            return not one.files and not (query and self.grid.catalogue.find(query.to_dirac()))
        return False

    # -- at the end -------------------------------------------------------------------------------

    def at_the_end(self) -> None:
        """The run has succeeded: what is on the grid now?"""
        for name, step in self.plans.items():
            found = [t for t in self.grid.transformations.values() if self._step_name(t) == name]
            removed = [t for t in found if t.status in REMOVED_TRANSFORMATION]
            found = [t for t in found if t not in removed]
            if removed and not found:
                continue  # by a person, when the run had done with it
            if len(found) != 1:
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
            said = found.files[lfn].status if lfn in found.files else ""
            if (said == FileStatus.PROCESSED) != (times == 1) and "Completed" not in by_hand:
                self.note("I6", f"{label}: {lfn} is {said}, processed {times} times")
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

    def _ledger(self, found: Transformation) -> Ledger:
        try:
            return Ledger.from_text(str(found.parameters.get(PARAMETER, "")))
        except ValueError:
            return Ledger()

    def _step_name(self, found: Transformation) -> str:
        return str(found.row["TransformationName"]).split("__")[2]

    def _step(self, found: Transformation) -> StepPlan | None:
        parts = str(found.row["TransformationName"]).split("__")
        return self.plans.get(parts[2]) if len(parts) > 2 else None

    def _label(self, found: Transformation) -> str:
        return f"{found.row['TransformationID']} {found.row['TransformationName']}"
