"""One site for all end-to-end tests: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from sandbox import Grid
from sandbox.airflow.settings import connection_to
from sandbox.airflow.stack import PROCESSES, AirflowStack
from tests.e2e.site import UNLIMITED, Site
from tests.metric_receivers import statsd

_FAILED = pytest.StashKey[bool]()

TRANSFORMATION_MANAGER = "Transformation/TransformationManager"


class MeasuredStack(AirflowStack):
    """An Airflow that sends its metrics somewhere."""

    #: the settings that say where
    metrics: Mapping[str, str] = MappingProxyType({})

    def env(self) -> dict[str, str]:
        """See :meth:`AirflowHome.env`."""
        return super().env() | self.metrics


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
    connections = {
        "dirac_default": connection_to(grid),
        "dirac_agent": connection_to(grid, backend="agent"),
    }
    with statsd() as received:
        stack = MeasuredStack(root / "airflow", productions, connections, site=site_file)
        stack.metrics = received.settings()
        stack.launch()
        with stack, grid:
            stack.wait_healthy()
            marked = {process.pid for process in stack.processes.marked()}
            assert {stack.processes.find(name).pid for name in PROCESSES} <= marked
            yield Site(grid, stack, productions, gates, site_file, received)
    assert [*stack.processes.marked(), *grid.processes.marked()] == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def gates_opened_after_a_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails leaves no job at its gate: the next ones would wait for a place in vain."""
    yield
    if request.node.stash.get(_FAILED, False):
        for name in {"site", "full_site"} & {*request.fixturenames}:
            request.getfixturevalue(name).open_all_gates()
