"""One site on many machines for all tests of this folder: starting it takes minutes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from sandbox.airflow.machines.stack import MachinesStack, new_place
from tests.e2e.machines.runs import MachinesSite
from tests.patience import slowness


@pytest.fixture(scope="package")
def site(request: pytest.FixtureRequest) -> Iterator[MachinesSite]:
    """All machines; their files are kept if a test fails."""
    place = new_place()
    productions, gates = place / "productions", place / "gates"
    for folder in (productions, gates):
        folder.mkdir()
    failed_before = request.session.testsfailed
    print(f"machines in {place}")
    stack = MachinesStack(place, productions, say=print, slowness=slowness())
    with stack:
        yield MachinesSite(stack.grid, stack, productions, gates)
    assert [*stack.processes.marked(), *stack.grid.processes.marked()] == []
    if request.session.testsfailed == failed_before:
        shutil.rmtree(place)
