"""The grid that tests share, and how they run a client on it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Grid

TRANSFORMATION_MANAGER = "Transformation/TransformationManager"


@pytest.fixture(scope="package")
def light_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A light grid for all tests of this folder; its TransformationManager can be stopped alone.

    Who stops or freezes something starts it again before the test ends.
    """
    state = tmp_path_factory.mktemp("light-grid")
    with Grid(state, profile="light", separate=[TRANSFORMATION_MANAGER]) as grid:
        yield grid


def start_client(
    grid: Grid, code: str, *, user: str = "prodmgr", group: str = "sim_prod"
) -> subprocess.Popen[str]:
    """Start Python code as a plain DIRAC client of ``grid``, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=grid.env(user=user, group=group),
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
        timeout=seconds,
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
