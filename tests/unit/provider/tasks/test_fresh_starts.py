"""Beginning a step anew: explicit, complete, and without a file of what was there before."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.sensors import DiracTransformationSensor

Context = dict[str, Any]

FRESH = "two__r1__make__fresh2"


def do(act: type, production: Production, step: str, context: Context, **more: Any) -> Any:
    return act(task_id="t", production=production, step=step, **more).work(context, {})


def killed_at_every_call(
    grid: MemoryGrid, kind: str, act: type, production: Production, context: Context
) -> Any:
    """The task of ``make``, killed at its first call, begun anew and killed at its second, ..."""
    for call in range(100):
        fault = grid.fault(kind, after=call)
        try:
            made = do(act, production, "make", context, outage_patience=0)
        except (Crash, TaskDeferred):
            continue
        fault.times = 0
        return made
    raise AssertionError("it never ends")


def waited_for(production: Production, step: str, context: Context) -> int:
    with pytest.raises(TaskDeferred) as caught:
        do(DiracTransformationSensor, production, step, context)
    return int(caught.value.trigger.transformation)


@pytest.fixture
def started(grid: MemoryGrid, production: Production, context: Context) -> MemoryGrid:
    """Both steps at work; nothing has run yet, and no agent cleans by itself."""
    grid.stopped_agents = {"cleaning"}
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            do(act, production, step, context)
    return grid


def cleaned(grid: MemoryGrid) -> None:
    """A person had ``make`` cleaned, and the agent has done it, files included."""
    grid.serve_setTransformationParameter(1, "Status", "Cleaning")
    grid.stopped_agents.clear()
    grid.advance(grid.agent_cycle)
    for lfn in [lfn for lfn in grid.catalogue.files if "/make/" in lfn]:
        grid.catalogue.remove(lfn)
    assert grid.transformations[1].status == "Cleaned"


EVERY_TASK = (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
    DiracFlushTransformationOperator,
    DiracCompleteTransformationOperator,
)


@pytest.mark.parametrize("status", ["New", "Active", "Stopped", "Flush", "Completed", "Archived"])
def test_clearing_any_task_of_a_step_adopts_what_exists(
    started: MemoryGrid, production: Production, context: Context, status: str
) -> None:
    started.serve_setTransformationParameter(2, "Status", status)
    tasks = {number: len(t.tasks) for number, t in started.transformations.items()}
    for act in EVERY_TASK:
        assert do(act, production, "merge", context)["id"] == 2
    assert waited_for(production, "merge", context) == 2
    assert {number: len(t.tasks) for number, t in started.transformations.items()} == tasks


def test_what_was_cleaned_begins_anew_and_every_task_goes_by_it(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    started.advance(200)
    cleaned(started)
    made = do(DiracStartTransformationOperator, production, "make", context)
    assert made == {"id": 3, "name": FRESH, "tasks_added": 6}
    assert do(DiracCreateTransformationOperator, production, "make", context)["adopted"]
    assert waited_for(production, "make", context) == 3
    started.advance(200)
    assert do(DiracFlushTransformationOperator, production, "make", context)["id"] == 3
    assert do(DiracCompleteTransformationOperator, production, "make", context)["id"] == 3
    assert [t.status for t in started.transformations.values()] == [
        "Cleaned",
        "Active",
        "Completed",
    ]
    assert len(started.catalogue.find({"step": "make"})) == 6


def test_a_dataset_is_linked_to_the_newest(
    started: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    started.serve_setTransformationParameter(2, "Status", "Cleaned")
    do(DiracStartTransformationOperator, production, "merge", context)
    started.advance(200)
    do(DiracFlushTransformationOperator, production, "merge", context)
    started.advance(200)
    dataset = DiracCreateDatasetOperator(task_id="t", production=production, step="merge")
    seen: list[Any] = []
    dataset.remember_link = lambda *it: seen.append(it)  # type: ignore[method-assign]
    dataset.work(context, {})
    assert seen == [(3, "two__r1__merge__fresh2")]


def test_files_that_were_left_behind_are_in_the_way(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    started.advance(200)
    started.serve_setTransformationParameter(1, "Status", "Cleaned")
    with pytest.raises(AirflowFailException, match="6 in /sim/two/r1/make") as caught:
        do(DiracStartTransformationOperator, production, "make", context)
    assert "dirac-dms-remove-files" in str(caught.value)
    assert len(started.transformations) == 2
    cleaned(started)
    assert do(DiracStartTransformationOperator, production, "make", context)["name"] == FRESH


def test_jobs_that_may_still_write_are_waited_for_by_retrying(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    started.advance(20)
    assert started.transformations[1].tasks
    started.serve_setTransformationParameter(1, "Status", "Cleaning")
    with pytest.raises(AirflowException, match="may still write") as caught:
        do(DiracStartTransformationOperator, production, "make", context)
    assert not isinstance(caught.value, AirflowFailException)
    cleaned(started)
    assert do(DiracStartTransformationOperator, production, "make", context)["name"] == FRESH


def test_what_never_submitted_a_job_is_not_waited_for(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    started.serve_setTransformationParameter(1, "Status", "Cleaning")
    assert do(DiracStartTransformationOperator, production, "make", context)["name"] == FRESH


@pytest.mark.parametrize("status", ["Cleaning", "Cleaned", "Deleted"])
def test_a_create_leaves_what_was_removed_to_the_start(
    started: MemoryGrid, production: Production, context: Context, status: str
) -> None:
    """It may be cleared alone: the next would stay New for ever, as nobody starts it."""
    started.serve_setTransformationParameter(1, "Status", status)
    made = do(DiracCreateTransformationOperator, production, "make", context)
    assert (made["id"], len(started.transformations)) == (1, 2)


def test_what_waits_for_a_removed_one_says_how_to_begin_anew(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    sensor = DiracTransformationSensor(task_id="t", production=production, step="make")
    snapshot = {"id": 1, "name": "two__r1__make", "type": "MCSimulation", "status": "Cleaned"}
    event = {"kind": "fail", "reason": "it was removed", "snapshot": snapshot}
    with pytest.raises(AirflowFailException, match="clear all tasks of the step's group"):
        sensor.resume(context, event)
    started.serve_setTransformationParameter(1, "Status", "Cleaned")
    with pytest.raises(AirflowFailException, match="clear all tasks of the step's group"):
        do(DiracCompleteTransformationOperator, production, "make", context)


@pytest.mark.parametrize("kind", ["crash", "crash_after", "torn"])
def test_a_start_makes_the_next_of_what_was_cleaned_and_starts_it_once(
    started: MemoryGrid, production: Production, context: Context, kind: str
) -> None:
    cleaned(started)
    start = DiracStartTransformationOperator
    result = killed_at_every_call(started, kind, start, production, context)
    number = result["id"]
    # half of one that was torn is replaced
    assert (number, result["name"]) == (4 if kind == "torn" else 3, FRESH)
    assert len(started.transformations) == 3
    fresh = started.transformations[number]
    assert (fresh.status, len(fresh.tasks)) == ("Active", 6)
    again = do(start, production, "make", context)
    assert (again["id"], again["tasks_added"]) == (number, 0)
    # it is whole: whoever compares it with the plan adopts it
    created = do(DiracCreateTransformationOperator, production, "make", context)
    assert (created["id"], created["adopted"]) == (number, True)
    assert len(started.transformations) == 3


def test_a_start_does_not_make_what_was_deleted(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    """Another step might have begun by then: the task that made it first makes it again."""
    del started.transformations[1]
    with pytest.raises(AirflowFailException, match="clear the task that creates it"):
        do(DiracStartTransformationOperator, production, "make", context)
    assert len(started.transformations) == 1


@pytest.mark.parametrize("status", ["Active", "Stopped", "Flush", "Completed", "Archived"])
def test_a_start_creates_nothing_beside_what_was_not_cleaned(
    started: MemoryGrid, production: Production, context: Context, status: str
) -> None:
    started.serve_setTransformationParameter(1, "Status", status)
    assert do(DiracStartTransformationOperator, production, "make", context)["id"] == 1
    assert len(started.transformations) == 2
