"""The grids of these tests, and how they run a client on the one that they share."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from sandbox import Grid
from tests.contract.systems import OnDirac
from tests.integration.dag_runs import Run, served_dag
from tests.integration.dag_test import run_dag
from tests.patience import patience

TRANSFORMATION_MANAGER = "Transformation/TransformationManager"


@pytest.fixture(scope="package")
def light_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A light grid for all tests of this folder; its TransformationManager can be stopped alone.

    Who stops or freezes something starts it again before the test ends.
    """
    state = tmp_path_factory.mktemp("light-grid")
    with Grid(state, profile="light", separate=[TRANSFORMATION_MANAGER]) as grid:
        yield grid


@pytest.fixture
def system(light_grid: Grid) -> OnDirac:
    """The shared grid, as the contract sees it."""
    return OnDirac(light_grid)


@pytest.fixture
def grid(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGrid]:
    """A grid in memory behind the connection; its clock moves by 2 s at every call."""
    name = request.node.name
    extra = {
        "backend": "memory",
        "config": name,
        "poll_interval": 0.02,
        "agent_cycle": 0.02,
        "timeout": 5,
        "portal": "https://portal/{id}",
    }
    connection = json.dumps({"conn_type": "dirac", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_DIRAC_DEFAULT", connection)
    yield memory.register(name, MemoryGrid(step=2.0))
    memory.forget(name)


@pytest.fixture
def run(grid: MemoryGrid, airflow_database: Path, productions_folder: Path) -> Run:
    """Drops a production's YAML and runs its DAG once, as far as it goes.

    It runs by ``run_dag``, or else by whatever is given as ``by``.
    """

    def run_(yaml: str, patience: float = 120.0, by: Run = run_dag) -> Any:
        dag = served_dag(productions_folder, yaml)
        for task in dag.tasks:
            task.outage_patience = patience
        return by(dag)

    return run_


def start_client(
    grid: Grid, code: str, *, user: str = "prodmgr", group: str = "sim_prod", talks: bool = False
) -> subprocess.Popen[str]:
    """Start Python code as a plain DIRAC client of ``grid``, in a process of its own.

    :param talks: whether it reads from its standard input.
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=grid.env(user=user, group=group),
        stdin=subprocess.PIPE if talks else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_client(
    grid: Grid, code: str, *, user: str = "prodmgr", group: str = "sim_prod", seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run Python code as a plain DIRAC client of ``grid``, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=grid.env(user=user, group=group),
        capture_output=True,
        text=True,
        timeout=patience(seconds),
        check=False,
    )


def cta_prod_submit(grid: Grid, name: str, file: Path) -> None:
    """Submit a production file by CTADIRAC's own command, as CTAO's production manager."""
    done = subprocess.run(
        ["cta-prod-submit", name, str(file)],
        env=grid.env(group="ctao_prod"),
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
