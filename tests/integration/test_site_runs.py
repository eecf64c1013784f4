"""The site's word in Airflow's own task runner: through the bundle, on a grid in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_test import only_dag, run_dag

Run = Callable[..., Any]

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
def grid(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGrid]:
    """The grid of the connection; its clock moves by 2 s at every call."""
    name = request.node.name
    extra = {"backend": "memory", "config": name, "poll_interval": 0.02, "agent_cycle": 0.02}
    connection = json.dumps({"conn_type": "dirac", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_DIRAC_DEFAULT", connection)
    yield memory.register(name, MemoryGrid(step=2.0))
    memory.forget(name)


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
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import BundleDagBag

        (productions_folder / "p.yaml").write_text(TEXT)
        bundle = DagBundlesManager().get_bundle("productions")
        bundle.initialize()
        bag = BundleDagBag(
            dag_folder=bundle.path, bundle_path=bundle.path, bundle_name="productions"
        )
        assert bag.import_errors == {}
        dag = only_dag(bag)
        for task in dag.tasks:
            task.retry_delay = task.max_retry_delay = task.retry_delay * 0
        return run_dag(dag, run_conf=conf)

    return run_


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


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
