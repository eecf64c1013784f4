"""Progress and summary, as values of the plan and the snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.reports.progress import progress, summary
from tests.unit.core.writing import make, output, step


@pytest.fixture
def plan() -> ProductionPlan:
    dataset = {"name": "/sim/sets/merged"}
    production = make(
        sim=step("MCSimulation", tasks=4, output=output("sim")),
        merge=step("Merging", "sim", output=output("merge"), dataset=dataset),
    )
    return compile(production, run="r1")


def seen(name: str, status: str = "Active", **counts: Any) -> dict[str, Snapshot]:
    return {name: Snapshot(7, name, "Merging", TransformationStatus(status), **counts)}


def test_a_step_that_has_not_begun_is_at_nothing(plan: ProductionPlan) -> None:
    sim, merge = progress(plan, {})
    assert (sim.step, sim.unit, sim.done, sim.total, sim.fraction, sim.status) == (
        "sim",
        "tasks",
        0,
        4,
        0.0,
        "",
    )
    assert (merge.unit, merge.total) == ("files", 0)


@pytest.mark.parametrize(
    ("status", "tasks", "done", "fraction"),
    [
        ("Active", {}, 0, 0.0),
        ("Active", {"Done": 1, "Running": 2, "Failed": 1}, 1, 0.25),
        ("Active", {"Done": 3, "Completed": 1}, 4, 1.0),
        ("Active", {"Done": 6}, 6, 1.0),
        ("Completed", {"Done": 3}, 3, 1.0),
    ],
)
def test_a_step_without_input_counts_its_good_tasks(
    plan: ProductionPlan, status: str, tasks: dict[str, int], done: int, fraction: float
) -> None:
    sim = progress(plan, seen("p__r1__sim", status, tasks=tasks))[0]
    assert (sim.done, sim.total, sim.fraction, sim.status) == (done, 4, fraction, status)


@pytest.mark.parametrize(
    ("files", "done", "total", "fraction"),
    [
        ({}, 0, 0, 0.0),
        ({"Processed": 1, "Assigned": 2, "Unused": 1}, 1, 4, 0.25),
        ({"Processed": 4, "Deleted": 2}, 4, 4, 1.0),
    ],
)
def test_a_step_with_input_counts_its_processed_files(
    plan: ProductionPlan, files: dict[str, int], done: int, total: int, fraction: float
) -> None:
    merge = progress(plan, seen("p__r1__merge", files=files))[1]
    assert (merge.done, merge.total, merge.fraction) == (done, total, fraction)
    assert merge.to_dict()["unit"] == "files"


def test_the_summary_has_a_row_for_each_step(plan: ProductionPlan) -> None:
    counts = {"files": {"Processed": 4}, "tasks": {"Done": 2}}
    sim, merge = summary(plan, seen("p__r1__merge", "Completed", **counts))
    assert (sim.step, sim.id, sim.name, sim.type, sim.status) == (
        "sim",
        None,
        "p__r1__sim",
        "MCSimulation",
        "",
    )
    assert merge.to_dict() == {
        "step": "merge",
        "id": 7,
        "name": "p__r1__merge",
        "type": "Merging",
        "status": "Completed",
        "files": {"Processed": 4},
        "tasks": {"Done": 2},
        "dataset": "/sim/sets/merged",
    }
