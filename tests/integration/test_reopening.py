"""Completed steps take the files that came since: Airflow's runs, and a grid in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core import naming
from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import completed, result, states
from tests.integration.dag_test import run_dag
from tests.integration.test_schedule_runs import Serve, go, queued, serve  # noqa: F401

NIGHT = """
version: 1
production: {name: again, vo: sim}
parameters:
  quality: {type: int, default: 1}
steps:
  calibrate:
    type: DataReprocessing
    group_size: 2
    input: {where: {step: raw}}
    job: {type: script, executable: calibrate, arguments: "-q ${{ parameters.quality }}"}
    output:
      directory: /sim/again/${{ run }}/calibrate
      se: DISK-A-SE
      metadata: {production: again, run: "${{ run }}", step: calibrate}
      files: ["cal_@{JOB_ID}"]
  simulate:
    type: MCSimulation
    tasks: 1
    job: {type: script, executable: simulate}
    output:
      directory: /sim/again/${{ run }}/simulate
      se: DISK-A-SE
      metadata: {production: again, run: "${{ run }}", step: simulate}
      files: ["sim_@{JOB_ID}"]
  merge:
    type: Merging
    group_size: 10
    input: {from: [calibrate, simulate]}
    job: {type: script, executable: merge}
    output:
      directory: /sim/again/${{ run }}/merge
      se: DISK-A-SE
      metadata: {production: again, run: "${{ run }}", step: merge}
      files: ["merged_@{JOB_ID}"]
    dataset: {name: "/sim/datasets/again_${{ run }}", expect_files: 1}
"""


@pytest.fixture
def raw(grid: MemoryGrid) -> Any:
    """Registers raw files by number."""

    def put(*numbers: int) -> None:
        for number in numbers:
            grid.catalogue.register(f"/sim/raw/{number}", step="raw")

    return put


def attached(grid: MemoryGrid, name: str) -> set[str]:
    (found,) = [t for t in grid.transformations.values() if t.row["TransformationName"] == name]
    return set(found.files)


def asked(operations: Any, run: str, **more: Any) -> Any:
    conf = {"action": "reopen", "production": "again", "run": run, "preview": False, **more}
    return run_dag(operations, run_conf=conf)


def test_new_files_alone_are_processed_and_the_dataset_gets_a_version(
    serve: Serve,  # noqa: F811
    grid: MemoryGrid,
    raw: Any,
    productions_folder: Path,
) -> None:
    dag = serve(again=NIGHT)["again"]
    operations = operations_dag()
    raw(1, 2, 3)
    first = run_dag(dag, run_conf={"quality": 7})
    assert completed(first), states(first)
    tag = naming.run_tag(first.run_id)

    # nothing came: nothing is begun
    assert asked(operations, tag).state == "success"
    assert queued() == []

    raw(4, 5)
    preview = asked(operations, tag, preview=True)
    rows = {row["name"].split("__")[2]: row for row in result(preview, "preview")["rows"]}
    assert {step: row["answer"] for step, row in rows.items()} == {
        "calibrate": "act",
        "simulate": "leave",
        "merge": "leave",
    }
    assert rows["calibrate"]["files"] == 2
    assert queued() == []

    assert asked(operations, tag).state == "success"
    assert asked(operations, tag).state == "success"  # twice is once
    assert queued() == [("again", f"{tag}.g2")]
    second = go(dag, f"{tag}.g2")
    assert completed(second), states(second)
    assert attached(grid, f"again__{tag}.g2__calibrate") == {"/sim/raw/4", "/sim/raw/5"}
    assert len(attached(grid, f"again__{tag}.g2__merge")) == 1
    names = {t.row["TransformationName"] for t in grid.transformations.values()}
    assert f"again__{tag}.g2__simulate" not in names
    assert result(second, "prepare.begin")["parameters"] == {"quality": 7}

    # the first dataset is as it was; the second holds the files of both
    made = result(second, "merge.create_dataset")
    assert made["dataset"] == f"/sim/datasets/again_{tag}_v2"
    assert made["files"] == 2
    assert len(grid.catalogue.datasets[f"/sim/datasets/again_{tag}"].frozen) == 1

    # and again, with those of neither
    assert asked(operations, tag).state == "success"
    assert queued() == []
    raw(6)
    assert asked(operations, tag).state == "success"
    third = go(dag, f"{tag}.g3")
    assert completed(third), states(third)
    assert attached(grid, f"again__{tag}.g3__calibrate") == {"/sim/raw/6"}
    assert result(third, "merge.create_dataset")["files"] == 3


def operations_dag() -> Any:
    """The DAG of people's actions, in Airflow's database."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag

    bundle = DagBundlesManager().get_bundle("productions")
    bundle.initialize()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name="productions")
    dag = bag.dags[DAG_ID]
    for task in dag.tasks:
        task.retry_delay = task.max_retry_delay = task.retry_delay * 0
    return dag
