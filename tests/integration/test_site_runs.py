"""The site's word in Airflow's own task runner: through the bundle, on a grid in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import Run, served_dag, states
from tests.integration.dag_test import run_dag

TEXT = """\
version: 1
production: {name: sited, vo: sim}
parameters: {to: {type: string, default: scratch}}
steps:
  make:
    type: MCSimulation
    tasks: 2
    job: {type: script, executable: run-it}
    output:
      directory: /sim/${{ parameters.to }}/${{ run }}
      se: DISK-A-SE
      metadata: {production: sited, run: "${{ run }}"}
      files: ["a_@{JOB_ID}.dat"]
"""
#: ``dag.test()`` does not tell a task its bundle: it may do what the star says
LIMITED = "version: 1\nbundles: {'*': {outputs: [/sim/scratch]}}\n"


@pytest.fixture
def site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site's file, as it is at first."""
    path = tmp_path / "site.yaml"
    path.write_text(LIMITED)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(path))
    return path


@pytest.fixture
def run(grid: MemoryGrid, airflow_database: Path, productions_folder: Path) -> Run:
    """Runs the DAG of the production as the bundle serves it."""

    def run_(**conf: Any) -> Any:
        return run_dag(served_dag(productions_folder, TEXT), run_conf=conf)

    return run_


def test_a_run_keeps_to_the_limits_or_is_refused_before_anything_is_made(
    run: Run, grid: MemoryGrid, site_file: Path
) -> None:
    assert run().state == "success"
    assert [t.status for t in grid.transformations.values()] == ["Completed"]
    # a parameter of a run cannot lead beyond them
    dag_run = run(to="raw")
    assert dag_run.state == "failed"
    assert states(dag_run)["prepare.create.make"] == "failed"
    assert len(grid.transformations) == 1
    assert "/sim/raw" not in grid.catalogue.directories


def test_a_file_beyond_the_limits_gives_no_dag_and_says_why(run: Run, site_file: Path) -> None:
    site_file.write_text(LIMITED.replace("/sim/scratch", "/sim/other"))
    with pytest.raises(AssertionError, match="files are made in /sim/scratch"):
        run()
