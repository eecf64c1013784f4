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
    """All machines; their files are kept if a test fails. Nothing was created twice at the end."""
    place = new_place()
    productions, gates = place / "productions", place / "gates"
    for folder in (productions, gates):
        folder.mkdir()
    failed_before = request.session.testsfailed
    print(f"machines in {place}")
    stack = MachinesStack(place, productions, say=print, slowness=slowness())
    with stack:
        site = MachinesSite(stack.grid, stack, productions, gates)
        yield site
        made, duplicates = site.transformations(), site.duplicates()
        print(f"{made.total()} transformations, {len(duplicates)} duplicates;", end=" ")
        print(f"started again after they ended by themselves: {dict(stack.revived) or 'none'}")
        assert duplicates == {}
    assert [*stack.processes.marked(), *stack.grid.processes.marked()] == []
    if request.session.testsfailed == failed_before:
        shutil.rmtree(place)
