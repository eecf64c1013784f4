"""Whole productions where no Dag bundle is configured: a run keeps the text it began with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.bundle import first_text, sources
from tests.integration.dag_runs import DATASET, completed, result, text
from tests.integration.dag_test import run_dag

REPOSITORY = Path(__file__).parents[2]
NAME = "plain"
TWO = (("make", "tasks: 4"), ("merge", "input: {from: make}"))


@pytest.fixture
def home(
    tmp_path: Path, grid: MemoryGrid, airflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An Airflow home of the plain layout, before a grid in memory."""
    monkeypatch.setattr(sources, "SETTLE", 0)
    (tmp_path / "dags").mkdir()
    shutil.copy(REPOSITORY / "dags" / "productions.py", tmp_path / "dags")
    (tmp_path / "include" / "productions").mkdir(parents=True)
    local = {
        "name": "dags-folder",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(tmp_path / "dags")},
    }
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([local]))
    return tmp_path


def write(home: Path, yaml: str) -> None:
    (home / "include" / "productions" / "p.yaml").write_text(yaml)


def drawn(home: Path) -> Any:
    """The DAG as Airflow draws it now; its tasks retry at once."""
    from airflow.dag_processing.dagbag import BundleDagBag

    dags = home / "dags"
    bag = BundleDagBag(
        dag_folder=dags / "productions.py", bundle_path=dags, bundle_name="dags-folder"
    )
    dag = bag.dags[NAME]
    for task in dag.tasks:
        task.retry_delay = task.max_retry_delay = task.retry_delay * 0
    return dag


def run_with_edit(home: Path, first: str, then: str) -> Any:
    """A run of the one text; the file has the other as soon as its first task has ended.

    Airflow draws each task in a process of its own. Here all are in one, and become those of the
    edited file at that moment.
    """
    write(home, then)
    edited = drawn(home)
    write(home, first)
    dag = drawn(home)
    begin = dag.get_task("prepare.begin")
    store = begin.pre_execute

    def and_edit(context: Any) -> None:
        store(context)
        for task in dag.tasks:
            if task is not begin:
                vars(task).update(vars(edited.get_task(task.task_id)))
        dag.params = edited.params

    begin.pre_execute = and_edit
    return run_dag(dag)


def arguments(grid: MemoryGrid) -> list[str]:
    return [t.row["Body"] for t in grid.transformations.values()]


def test_a_production_comes_to_its_dataset(home: Path, grid: MemoryGrid) -> None:
    write(home, text(NAME, *TWO, tail=DATASET % (NAME, 2)))
    dag_run = run_dag(drawn(home))
    assert dag_run.state == "success"
    assert completed(dag_run)
    assert result(dag_run, "merge.create_dataset")["files"] == 2
    assert result(dag_run, "prepare.begin", first_text.KEY)["file"] == "p.yaml"


def test_a_run_goes_on_with_the_text_it_began_with(home: Path, grid: MemoryGrid) -> None:
    first = text(NAME, *TWO, arguments="--first", tail=DATASET % (NAME, 2))
    edited = first.replace("--first", "--then").replace("tasks: 4", "tasks: 9")
    dag_run = run_with_edit(home, first, edited)
    assert dag_run.state == "success"
    assert all("--first" in body and "--then" not in body for body in arguments(grid))
    assert result(dag_run, "make.wait_for_completion")["tasks"] == {"Done": 4}
    assert result(dag_run, "merge.create_dataset")["files"] == 2


def test_a_value_that_is_edited_is_not_taken_either(home: Path, grid: MemoryGrid) -> None:
    first = text(NAME, *TWO, arguments="--energy ${{ parameters.energy }}").replace(
        "steps:", "parameters:\n  energy: {type: int, default: 5}\nsteps:"
    )
    dag_run = run_with_edit(home, first, first.replace("default: 5", "default: 7"))
    assert dag_run.state == "success"
    assert result(dag_run, "prepare.begin", first_text.KEY)["parameters"] == {"energy": 5}
    assert all("--energy 5" in body for body in arguments(grid))
