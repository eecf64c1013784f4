"""What a run chooses, what it lists and what it extends, from the folder to the grid in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import served_dag
from tests.integration.dag_test import run_dag

BASE = """version: 1
production: {vo: sim}
parameters:
  tasks: {type: int, default: 5, min: 1, max: 10}
  label: {type: string, default: plain}
common:
  directory: /sim/${{ production }}/${{ run }}
  se: DISK-A-SE
  metadata: {production: "${{ production }}", run: "${{ run }}", step: "${{ step }}"}
defaults: {group_size: 2, job: {type: script}}
matrix: {particle: [gamma, proton]}
steps:
  make:
    type: MCSimulation
    tasks: ${{ parameters.tasks }}
    job: {executable: make, arguments: "${{ matrix.particle }} ${{ parameters.label }}"}
    output: {files: ["made_@{JOB_ID}"]}
  join:
    type: Merging
    matrix: []
    input: {from: make}
    job: {executable: join}
    output: {files: ["joined_@{JOB_ID}"]}
  old:
    type: Merging
    matrix: []
    input: {lfns: {file: old.txt}}
    job: {executable: merge}
"""

#: one gather that leaves out branches which no metadata tell from those that it takes
GATHER = """version: 1
production: {name: gather, vo: sim}
common: {directory: "/sim/gather/${{ run }}", se: DISK-A-SE, metadata: {run: "${{ run }}"}}
defaults: {group_size: 100, start: on_complete, job: {type: script, executable: merge}}
matrix: {particle: [gamma, proton], zenith: [20, 40]}
steps:
  make:
    type: MCSimulation
    start: streaming
    tasks: 2
    output:
      metadata: {particle: "${{ matrix.particle }}", zenith: "${{ matrix.zenith }}"}
      files: ["made_@{JOB_ID}"]
  diagonal:
    type: Merging
    matrix: []
    input: {from: [make-gamma-20, make-proton-40]}
    output: {metadata: {step: diagonal}, files: ["joined_@{JOB_ID}"]}
  all:
    type: Merging
    matrix: []
    input: {from: make}
    output: {metadata: {step: all}, files: ["joined_@{JOB_ID}"]}
"""


@pytest.fixture
def dag(grid: MemoryGrid, airflow_database: Path, productions_folder: Path) -> Any:
    """The DAG of a production that extends another and lists files, through the bundle."""
    for number in range(3):
        grid.catalogue.register(f"/sim/old/{number}")
    (productions_folder / "_base.yaml").write_text(BASE)
    (productions_folder / "old.txt").write_text("".join(f"/sim/old/{n}\n" for n in range(3)))
    return served_dag(productions_folder, "extends: _base.yaml\nproduction: {name: clone}\n")


def by_step(grid: MemoryGrid) -> dict[str, Any]:
    return {t.row["TransformationName"].rsplit("__")[-1]: t for t in grid.transformations.values()}


def test_a_run_without_a_choice_gets_the_defaults(dag: Any, grid: MemoryGrid) -> None:
    dag_run = run_dag(dag)
    assert dag_run.state == "success"
    found = by_step(grid)
    assert set(found) == {"make-gamma", "make-proton", "join", "old"}
    assert len(found["make-gamma"].tasks) == 5
    assert len(found["join"].files) == 10
    assert {str(f.status) for f in found["old"].files.values()} == {"Processed"}
    assert [t.status for t in grid.transformations.values()] == ["Completed"] * 4


def test_a_run_may_choose(dag: Any, grid: MemoryGrid) -> None:
    dag_run = run_dag(dag, run_conf={"tasks": 3, "label": "chosen"})
    assert dag_run.state == "success"
    made = by_step(grid)["make-proton"]
    assert len(made.tasks) == 3
    assert json.loads(made.row["Body"])["commands"][0]["arguments"] == "proton chosen"


def test_a_name_that_is_no_parameter_ends_the_run_before_anything_is_created(
    dag: Any, grid: MemoryGrid
) -> None:
    for task in dag.tasks:
        task.retries = 0
    dag_run = run_dag(dag, run_conf={"task": 3})
    assert dag_run.state == "failed"
    assert grid.transformations == {}


def test_a_gather_by_number_takes_the_files_of_its_parents_and_no_others(
    grid: MemoryGrid, airflow_database: Path, productions_folder: Path
) -> None:
    for field in ("zenith", "prodsys_gather"):
        grid.catalogue.serve_addMetadataField(field, "int", "-d")
    assert run_dag(served_dag(productions_folder, GATHER)).state == "success"
    steps = by_step(grid)
    assert len(steps["diagonal"].files) == 4
    assert len(steps["all"].files) == 8
