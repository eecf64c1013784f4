"""How whole runs end, and what they leave: ``dag.test()`` on a grid in memory."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import (
    Run,
    result,
    states,
    text,
    tries,
)

#: `make` is given up, while `merge` and `other` are at work
HOPELESS = (
    ("make", "tasks: 2"),
    ("merge", "input: {from: make}"),
)


def statuses(grid: MemoryGrid) -> list[str]:
    return [t.status for t in grid.transformations.values()]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("stop", ["Stopped", "Stopped"]),
        ("leave", ["Active", "Active"]),
        ("{action: clean, confirm: true}", ["Cleaning", "Cleaning"]),
    ],
)
def test_a_run_that_fails_leaves_what_it_says_and_is_a_failure(
    run: Run,
    grid: MemoryGrid,
    action: str,
    expected: list[str],
) -> None:
    grid.fails = lambda task: True
    grid.stopped_agents = {"cleaning"}
    yaml = text("hopeless", *HOPELESS).replace("vo: sim", f"vo: sim, on_cancel: {action}")
    dag_run = run(yaml)
    assert dag_run.state == "failed"
    found = states(dag_run)
    assert found["make.wait_for_completion"] == "failed"
    # it began with its parent, and ends when that has failed
    assert found["merge.wait_for_input"] == "success"
    assert found["merge.flush"] == found["merge.complete"] == "upstream_failed"
    assert (found["finish.on_cancel"], found["finish.report"]) == ("success", "failed")
    assert statuses(grid) == expected


def test_an_outage_at_the_end_is_waited_out(run: Run, grid: MemoryGrid) -> None:
    grid.fails = lambda task: True
    fault = grid.fault("unavailable", "getTransformationLogging", times=2)
    dag_run = run(text("hopeless", *HOPELESS), patience=0.0)
    assert fault.times == 0
    assert states(dag_run)["finish.on_cancel"] == "success"
    assert tries(dag_run) <= {0, 1}
    assert statuses(grid) == ["Stopped", "Stopped"]


def test_a_run_that_completes_is_left_alone(run: Run, grid: MemoryGrid) -> None:
    dag_run = run(text("fine", ("make", "tasks: 3"), ("merge", "input: {from: make}")))
    assert dag_run.state == "success"
    found = states(dag_run)
    assert (found["prepare.begin"], found["finish.report"]) == ("success", "success")
    assert found["finish.on_cancel"] == "skipped"
    assert result(dag_run, "finish.on_cancel") is None
    assert result(dag_run, "finish.report") == "completed"
    assert statuses(grid) == ["Completed", "Completed"]
