"""Runs the demo's production on a grid in memory, and prints what ``status --json`` says of it.

``python -m tests.integration.measured_run``, in an Airflow home of its own: Airflow reads once
where its metrics go.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import only_dag
from tests.integration.dag_test import run_dag

DEMO = Path(__file__).parents[2] / "include" / "productions" / "mandelbrot.yaml"
GRID = "measured"


def main(folder: Path) -> int:
    """Serve the production, run it, and look at the grid."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.utils.db import initdb

    initdb()
    memory.register(GRID, MemoryGrid(step=2.0))
    shutil.copy(DEMO, folder)
    bundle = DagBundlesManager().get_bundle("productions")
    bundle.refresh()  # as the DAG processor does
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name="productions")
    if run_dag(only_dag(bag)).state != "success":
        return 1
    options = ["--backend", "memory", "--config", GRID]
    answer = CliRunner().invoke(app, ["status", "mandelbrot", "--run", "*", "--json", *options])
    print(answer.stdout)
    return answer.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
