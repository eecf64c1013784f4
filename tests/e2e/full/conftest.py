"""One site for the tests of this folder: a full grid and an Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox import Grid
from sandbox.airflow.settings import connection_to
from sandbox.airflow.stack import AirflowStack
from tests.e2e.site import Site


class PublishingStack(AirflowStack):
    """An Airflow that writes summaries into a folder of its home."""

    def env(self) -> Mapping[str, str]:
        """See :meth:`AirflowHome.env`."""
        folder = self.home / "summaries"
        return super().env() | {"AIRFLOW__DIRAC_PRODSYS__SUMMARY_FOLDER": str(folder)}


@pytest.fixture(scope="package")
def full_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root: Path = tmp_path_factory.mktemp("full-site")
    productions, gates = root / "productions", root / "gates"
    productions.mkdir()
    gates.mkdir()
    grid = Grid(root / "grid", profile="full")
    connections = {"dirac_default": connection_to(grid, backend="agent")}
    stack = PublishingStack(root / "airflow", productions, connections)
    stack.launch()
    with stack, grid:
        stack.wait_healthy()
        facts = grid.status()
        assert facts["up"]
        assert len(facts["services"]) == 17
        yield Site(grid, stack, productions, gates)
    assert [*stack.processes.marked(), *grid.processes.marked()] == []
    assert list(grid.state.proxies.iterdir()) == []
