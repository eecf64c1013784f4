"""Runs one production in a rehearsal, does what a person would do, and gives up a stuck run.

It gives approvals, and flushes a step that stands still if a person would flush it by hand. It
gives up a run in which nothing moves any more. Invariant: everything that is done in a person's
place is noted.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.errors import ProdsysError
from sandbox.airflow.rest import FINAL
from sandbox.runs.production_run import Look, ProductionRun

#: seconds without any change after which a person would flush a step
PATIENCE = 15.0
#: seconds and looks without any change after which a run is given up; both, because a busy machine
#: looks less often
STANDSTILL, STANDSTILL_LOOKS = 150.0, 120

_APPROVE = "Approve"
#: a question is answered when the scheduler's heart has beaten twice since it was first seen: an
#: answer before the scheduler has heard that the task waits is a failed try in Airflow 3.3
_BEATS = 2


class RehearsalRun(ProductionRun):
    """A run that only this program attends to."""

    def begin(self, conf: dict[str, Any]) -> None:
        """Start it with these values of its parameters."""
        self.notes: list[str] = []
        self.failures: list[str] = []
        self.started = self.moved = time.monotonic()
        self.ended: float | None = None
        self._last_seen: Any = None
        self._same = 0
        #: question → heartbeats of the scheduler at which it was seen
        self._asked: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.stack.rest.trigger(self.dag_id, self.run_id, conf)

    @property
    def seconds(self) -> float:
        """Return how long it has run, or ran; seconds."""
        return (self.ended or time.monotonic()) - self.started

    def attend(self, standstill: float = STANDSTILL) -> Look:
        """Look once, and do what a person would do.

        :param standstill: seconds without any change after which the run is given up.
        """
        look = self.look()
        if self.ended is not None:
            return look
        if look.state in FINAL:
            self.ended = time.monotonic()
            if look.state != "success":
                self.failures += self.failed_tasks()
            return look
        self._approve()
        seen = (look.rows, look.activity)
        if seen != self._last_seen:
            self._last_seen, self.moved, self._same = seen, time.monotonic(), 0
        self._same += 1
        still = time.monotonic() - self.moved
        if still > PATIENCE:
            self._flush_by_hand()
        if still > standstill and self._same > STANDSTILL_LOOKS:
            self.give_up(f"nothing has moved for {still:.0f} s", look)
        return look

    def give_up(self, reason: str, look: Look) -> None:
        """Stop waiting for the run, and note the reason."""
        at = ", ".join(f"{step}: {what}" for step, what in look.activity.items() if what)
        self.failures.append(f"given up: {reason} ({at})")
        self.ended = time.monotonic()

    # -- in a person's place ------------------------------------------------------------------

    def _approve(self) -> None:
        path = f"dags/{self.dag_id}/dagRuns/{self.run_id}"
        asked = self.stack.rest.get(f"{path}/hitlDetails", response_received=False)
        for detail in asked["hitl_details"]:
            options = detail["options"]
            chosen = _APPROVE if _APPROVE in options else options[0]
            task = detail["task_instance"]
            beats = self._asked[task["task_id"], task["try_number"]]
            beats.add(self.stack.rest.health()["scheduler"]["latest_scheduler_heartbeat"])
            if len(beats) <= _BEATS:
                continue
            answer = f"{path}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
            try:
                self.stack.rest.call("PATCH", answer, json={"chosen_options": [chosen]})
            except ProdsysError:  # it was just answered, or is not yet open: wait for the next look
                continue
            self.notes.append(f"{task['task_id']}: “{detail['subject']}” was answered {chosen}")

    def _flush_by_hand(self) -> None:
        for step in self.plan.steps:
            seen = self.snapshots.get(step.transformation.name)
            if step.rules.flush != "manual" or seen is None or not step.rules.needs_input:
                continue
            waiting = seen.files.get(FileStatus.UNUSED, 0)
            if waiting and seen.status == TransformationStatus.ACTIVE:
                self.gateway.flush_transformation(seen.id)
                self.notes.append(f"{step.name}: flushed in a person's place ({waiting} files)")
