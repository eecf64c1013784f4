"""The systems under contract, and the gateway that each sentence is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import Grid
from tests.contract.systems import Gateway, InMemory, OnDirac, System


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
    """Both, one after the other."""
    if request.param == "memory":
        return InMemory()
    return OnDirac(request.getfixturevalue("contract_grid"))


@pytest.fixture
def gateway(system: System) -> Gateway:
    """The production manager's gateway."""
    return system.gateway()
