"""One site for all end-to-end tests: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Grid
from sandbox.airflow_settings import connection_to
from sandbox.airflow_stack import COMMANDS, AirflowStack
from tests.e2e.site import UNLIMITED, Site

TRANSFORMATION_MANAGER = "Transformation/TransformationManager"


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A light grid, whose TransformationManager can be stopped alone, and an Airflow."""
    root: Path = tmp_path_factory.mktemp("site")
    productions, gates = root / "productions", root / "gates"
    productions.mkdir()
    gates.mkdir()
    grid = Grid(root / "grid", profile="light", separate=[TRANSFORMATION_MANAGER])
    site_file = root / "site.yaml"
    site_file.write_text(UNLIMITED)
    connections = {"dirac_default": connection_to(grid)}
    stack = AirflowStack(root / "airflow", productions, connections, site=site_file)
    stack.launch()
    with stack, grid:
        stack.wait_healthy()
        marked = {process.pid for process in stack.processes.marked()}
        assert {stack.processes.find(name).pid for name in COMMANDS} <= marked
        yield Site(grid, stack, productions, gates, site_file)
    assert [*stack.processes.marked(), *grid.processes.marked()] == []
