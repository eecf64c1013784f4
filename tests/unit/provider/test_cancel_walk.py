"""Ends, clears, persons and crashes in any order: who stopped it last decides, every time."""

from __future__ import annotations

import random
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.run.fresh_starts import newest
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.tasks import run_end
from tests.unit.provider.conftest import TWO_STEPS

NAME = "two__r1__make"
REMOVED = {str(status) for status in REMOVED_TRANSFORMATION}


class Story:
    """One step of a run, and all that happens to it; what should be true is kept beside it."""

    def __init__(self, grid: MemoryGrid, context: dict[str, Any], seed: int) -> None:
        self.grid = grid
        self.chance = random.Random(seed)  # noqa: S311  not for secrets
        self.dag = build_dag(load_production(TWO_STEPS, "two.yaml"))
        self.context = {**context, "dag": self.dag}
        for task in self.dag.tasks:
            task.outage_patience = 0
        #: whether the last stop was a person's
        self.persons = False
        self.events: list[str] = []
        early = ("prepare.create.make", "prepare.create.merge")
        for task in (*early, "make.start", "merge.start"):
            self.dag.get_task(task).work(self.context, {})

    @property
    def status(self) -> str:
        """Of the newest transformation."""
        found = {t.row["TransformationName"]: t.status for t in self.grid.transformations.values()}
        name = newest(NAME, found)
        assert name is not None
        return found[name]

    @property
    def number(self) -> int:
        made = [
            t for t in self.grid.transformations.values() if NAME in t.row["TransformationName"]
        ]
        return int(made[-1].row["TransformationID"])

    def do(self, task_id: str) -> str:
        """A task that is killed anywhere, and tried again until it ends; how it ended."""
        task = self.dag.get_task(task_id)
        for _ in range(50):
            kind = self.chance.choice(["crash", "crash_after", "unavailable", "none", "none"])
            fault = None
            if kind != "none":
                fault = self.grid.fault(kind, after=self.chance.randrange(12))  # type: ignore[arg-type]
            try:
                task.work(self.context, {})
            except Crash:
                continue
            except TaskDeferred as deferred:
                if type(deferred.trigger).__name__ == "DiracGatewayTrigger" and fault is not None:
                    continue  # the outage is over, and it begins anew
                return "waits"
            except AirflowFailException:
                return "failed"
            except AirflowException:
                self.grid.advance(self.grid.agent_cycle)
                continue
            finally:
                if fault is not None:
                    fault.times = 0
            return "done"
        raise AssertionError(f"{task_id} never ends: {self.events}")

    # -- what may happen -------------------------------------------------------------------------

    def run_ends(self) -> None:
        self.do("finish.on_cancel")
        assert self.status not in ("Active", "Idle"), self.events
        if self.status == "Flush":
            raise AssertionError(self.events)

    def wait_is_cleared(self) -> None:
        before = self.status
        ended = self.do("make.wait_for_completion")
        if before == "Stopped":
            assert self.status == ("Stopped" if self.persons else "Active"), self.events
        else:
            assert self.status == before, self.events
        assert ended == "waits", self.events

    def start_is_cleared(self) -> None:
        before, number = self.status, len(self.grid.transformations)
        ended = self.do("make.start")
        if before == "Stopped":
            assert self.status == ("Stopped" if self.persons else "Active"), self.events
        assert ended == "done", self.events
        made = len(self.grid.transformations) - number
        assert made == (before in REMOVED), self.events
        if made:
            self.persons = False
            assert self.status == "Active", self.events

    def create_is_cleared(self) -> None:
        before, number = self.status, len(self.grid.transformations)
        self.do("prepare.create.make")
        # what was removed is left to the start
        assert (self.status, len(self.grid.transformations)) == (before, number), self.events

    def person_stops(self) -> None:
        if self.status in ("Active", "Flush", "Stopped"):
            self._by_hand("Stopped")
            self.persons = True

    def person_starts(self) -> None:
        if self.status == "Stopped":
            self._by_hand("Active")
            self.persons = False

    def person_flushes(self) -> None:
        if self.status == "Active":
            self._by_hand("Flush")

    def person_cleans(self) -> None:
        if self.chance.random() < 0.4:
            self._by_hand("Cleaning")

    def time_passes(self) -> None:
        self.grid.advance(self.grid.agent_cycle)

    def _by_hand(self, status: str) -> None:
        self.grid.serve_setTransformationParameter(self.number, "Status", status)


EVENTS = (
    Story.run_ends,
    Story.wait_is_cleared,
    Story.start_is_cleared,
    Story.create_is_cleared,
    Story.person_stops,
    Story.person_starts,
    Story.person_flushes,
    Story.person_cleans,
    Story.time_passes,
)


@pytest.mark.parametrize("seed", range(60))
def test_in_any_order_only_our_own_stops_are_undone(
    grid: MemoryGrid,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    states = {"make.wait_for_completion": "failed", "finish.on_cancel": "running"}
    monkeypatch.setattr(run_end, "task_states", lambda *_: states)
    # jobs take long: what they have come to is another story
    grid.task_seconds = 1e9
    story = Story(grid, context, seed)
    for _ in range(25):
        event = story.chance.choice(EVENTS)
        story.events.append(f"{event.__name__} ({story.status})")
        before = story.status
        event(story)
        if story.status != before and story.status == "Stopped" and event is Story.run_ends:
            story.persons = False
    made = [t for t in grid.transformations.values() if NAME in t.row["TransformationName"]]
    alive = [t for t in made if t.status not in REMOVED]
    assert len(alive) <= 1
    assert TransformationStatus(story.status) != TransformationStatus.UNKNOWN
