"""Loops from YAML to the end: ``dag.test()`` through the bundle on a grid in memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import Run, result, states, tries

PRODUCTIONS = Path(__file__).parents[1] / "productions" / "good"
LOOP = (PRODUCTIONS / "loop.yaml").read_text()


@pytest.fixture
def qualities(grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the test jobs of each pass write; fill it."""
    numbers: list[float] = []
    register = grid.catalogue.register

    def write(lfn: str, **more: Any) -> None:
        if found := re.search(r"/test/(\d+)/quality\.json", lfn):
            more["content"] = f'{{"auc": {numbers[int(found[1]) - 1]}}}'.encode()
        register(lfn, **more)

    monkeypatch.setattr(grid.catalogue, "register", write)
    return numbers


def names(grid: MemoryGrid) -> list[str]:
    made = (str(one.row["TransformationName"]) for one in grid.transformations.values())
    return sorted(name.rpartition("__")[2] for name in made)


def taken(grid: MemoryGrid, step: str) -> list[list[str]]:
    """Pass and name of the files that a step has taken."""
    (made,) = (
        one
        for one in grid.transformations.values()
        if str(one.row["TransformationName"]).endswith(f"__{step}")
    )
    return [lfn.rsplit("/", 2)[1:] for lfn in made.files]


def test_a_loop_ends_with_the_pass_that_is_good_enough(
    run: Run, grid: MemoryGrid, qualities: list[float]
) -> None:
    qualities += [0.6, 0.9]
    dag_run = run(LOOP)
    assert dag_run.state == "success"
    found = states(dag_run)
    second = (found["tune.pass_2.begin"], found["tune.pass_2.check"])
    assert (*second, found["tune.done"]) == ("success",) * 3
    third = {task for task in found if "__3" in task or task.startswith("tune.pass_3.")}
    assert third >= {"tune.pass_3.begin", "tune.pass_3.check", "train__3.create"}
    assert {found[task] for task in third} == {"skipped"}
    assert tries(dag_run) <= {0, 1}
    assert result(dag_run, "tune.done") == {"last": 2, "met": True}
    assert names(grid) == ["apply", "simulate", "test.1", "test.2", "train.1", "train.2"]
    assert taken(grid, "apply") == [["2", "model.h5"]]


def test_the_bound_fails_the_run_and_nothing_takes_what_is_not_good_enough(
    run: Run, grid: MemoryGrid, qualities: list[float]
) -> None:
    qualities += [0.1, 0.2]
    dag_run = run(LOOP.replace("at_most: 3", "at_most: 2"))
    assert dag_run.state == "failed"
    found = states(dag_run)
    assert (found["tune.done"], found["apply.create"]) == ("failed", "upstream_failed")
    assert "apply" not in names(grid)
    assert "train.2" in names(grid)
