"""Judges what Airflow reports, when it is reported: I5, I7 and I10.

Invariant: see :mod:`observer`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import BAD_TASKS, REMOVED_TRANSFORMATION, FileStatus
from dirac_prodsys.core.policy import DECISIVE, History, StepRules, judge
from dirac_prodsys.errors import GatewayDenied, GatewayUnavailable
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.provider.gate_trigger import DiracGateTrigger
from tests.walk.tasks import BAD, Attempt, group_of
from tests.walk.watching import Watching

_OPEN = (FileStatus.UNUSED, FileStatus.ASSIGNED)


class Notifying(Watching):
    """Part of :class:`Observer`."""

    def event(self, trigger: Any, event: dict[str, Any]) -> None:
        """A trigger has decided: decide again from what is written down."""
        if isinstance(trigger, DiracGateTrigger) and self.guards is not None:
            self.guards.event(trigger.task_instance.task_id, trigger, event)
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
        reported = (event["kind"], event["reason"], event["tasks"])
        if (verdict.kind, verdict.reason, verdict.tasks) != reported:
            self.note("I10", f"it was decided {reported}, and now {verdict}")

    def attempt(self, attempt: Attempt) -> None:
        """An execution has ended."""
        error, name = attempt.error, attempt.task.task_id
        if attempt.end == "success" and name.endswith(".complete"):
            self._check_result(attempt)
        if self.guards is not None:
            self.guards.ended(attempt)
        if error is None or isinstance(error, Crash | AirflowSkipException):
            return
        text = f"{name}: {type(error).__name__}: {error}"
        self.failures.append(text)
        causes = {type(error), type(error.__context__)}
        if GatewayUnavailable in causes or "was down for" in text:
            self.note("I5", text)
        elif GatewayDenied in causes:
            if "denied" not in self.grid.struck:
                self.note("I5", text)
        elif "is being cleaned, and jobs of it may still write" in text:
            # a start that a person cleared too early: it is tried again
            if not any(
                t.status in REMOVED_TRANSFORMATION for t in self.grid.transformations.values()
            ):
                self.note("I5", text)
        elif not isinstance(error, AirflowFailException) or not self._explained(name, text):
            self.note("I5", text)

    def _follows(self, text: str) -> bool:
        """Whether a task failed, or the grid lost something, that another one says so of."""
        states = self.states()
        bad = [name for name, state in states.items() if state in BAD and name in text]
        return bool(bad) or "the grid has no" in text

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
            return True  # from a task whose only work is to report it
        if self.guards is not None and self.guards.explains(task_id, text):
            return True
        if "no more files can be waited for" in text or "nothing starts" in text:
            return self._follows(text)
        group, name = group_of(task_id), task_id.rpartition(".")[2]
        group = name.removeprefix("ready_") if name.startswith("ready_") else group
        step = self.plans.get(group.replace("__", "."))
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
        if "is not what is asked for" in text:
            # half made, and a person has changed it: nobody may replace it then
            half = "torn" in self.grid.struck and "query: asked" in text
            return half and bool(self.grid.hands.get(number))
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
