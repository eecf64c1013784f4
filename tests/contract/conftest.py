"""The systems under contract, and the gateway that each sentence is about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Grid
from tests.agents import agents_in
from tests.contract.systems import Gateway, InMemory, OnAgent, OnDirac, System


@pytest.fixture(scope="package")
def contract_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A light grid of its own; two services can be stopped and frozen."""
    grid = Grid(
        tmp_path_factory.mktemp("grid"),
        profile="light",
        separate=["Transformation/TransformationManager"],
    )
    with grid:
        yield grid


@pytest.fixture(params=["memory", "dirac"])
def system(request: pytest.FixtureRequest) -> System:
    """Both, one after the other; DIRAC through the agent, which runs the gateway of ``dirac/``."""
    if request.param == "memory":
        return InMemory()
    grid = request.getfixturevalue("contract_grid")
    if request.node.get_closest_marker("in_process"):
        return OnDirac(grid)
    request.getfixturevalue("agents")
    return OnAgent(grid)


@pytest.fixture(scope="package")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of agents of our own; none is left."""
    with agents_in(tmp_path_factory.mktemp("agents")) as folder:
        yield folder


@pytest.fixture
def gateway(system: System) -> Gateway:
    """The production manager's gateway."""
    return system.gateway()
