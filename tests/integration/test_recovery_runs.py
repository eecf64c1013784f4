"""Whole productions that nobody watches: jobs fail, files stay behind, a site never works, and the
dataset is made all the same. ``dag.test()`` through the bundle on a grid in memory."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from tests.integration.dag_runs import (
    DATASET,
    Run,
    completed,
    result,
    states,
    text,
)

POLICY = (
    "    policy: {recovery: {max_resets: 9, errors: [{then: retry_elsewhere, site: '*.Bad.*'}]}}\n"
)


def processed(transformation: Any) -> Counter[str]:
    """How many good tasks had each file."""
    good = [task for task in transformation.tasks.values() if task.good]
    return Counter(lfn for task in good for lfn in task.lfns)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_production_finishes_unattended_with_a_fifth_of_its_jobs_failing(
    run: Run,
    grid: MemoryGrid,
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311  not for secrets

    def fails(task: Task) -> bool:
        body = grid.transformations[task.transformation].row["Body"]
        task.site = "LCG.Good.org" if "LCG.Bad.org" in body else "LCG.Bad.org"
        # while a transformation does not know it yet, its jobs of the bad site fail more often
        return chance.random() < (0.2 if task.site == "LCG.Good.org" else 0.25)

    grid.fails = fails
    grid.stopped_agents = {"file_monitoring"}
    name = f"unattended{seed}"
    yaml = text(
        name,
        ("make", "tasks: 9\n    policy: {extend: {up_to: 3.0, chunk: 4, max_failed: 0.8}}"),
        ("merge", "input: {from: make}\n    start: {at: 30%}"),
        tail=POLICY + DATASET.replace("expect_files: %d", "min_files: 3") % f"{name}",
    )
    dag_run = run(yaml)
    ended = states(dag_run)
    assert completed(dag_run), ended
    assert "merge.ready_make" in ended
    make, merge = grid.transformations[1], grid.transformations[2]
    assert sum(task.good is True for task in make.tasks.values()) >= 9
    assert {str(file.status) for file in merge.files.values()} == {"Processed"}
    assert set(processed(merge).values()) == {1}
    report = result(dag_run, "merge.wait_for_completion", "job_report")
    assert report["statuses"]["Done"] == sum(t.good is True for t in merge.tasks.values())


def test_files_beyond_their_bound_are_reported_and_the_run_fails_with_their_cause(
    run: Run,
    grid: MemoryGrid,
) -> None:
    grid.fails = lambda task: task.transformation == 2
    grid.stopped_agents = {"file_monitoring"}
    yaml = text(
        "bounded",
        ("make", "tasks: 3"),
        ("merge", "input: {from: make}"),
        tail="    policy: {recovery: {max_resets: 1}}\n",
    )
    dag_run = run(yaml)
    assert states(dag_run)["merge.complete"] != "success"
    assert len(grid.transformations[2].tasks) == 2
    assert {str(f.status) for f in grid.transformations[2].files.values()} == {"MaxReset"}
    waits = ("merge.wait_for_input", "merge.wait_for_completion")
    ended = [task for task in waits if states(dag_run)[task] == "failed"]
    causes = result(dag_run, ended[0], "job_report")["causes"]
    assert causes[0]["text"].startswith("Failed: Application Finished With Errors")
    state = result(dag_run, ended[0], "state")
    assert (state["kind"], state["status"]) == ("failed", "Active")
    assert state["files"] == {"processed": 0, "total": 3}
    assert state["line"].startswith("merge failed: ")
    assert "files are 3 MaxReset" in state["line"]
    assert "Application Finished With Errors" in state["line"]
    lines = result(dag_run, ended[0], "diary")["lines"]
    assert any(" ! failing: " in line for line in lines)
