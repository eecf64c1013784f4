"""Tasks are as many as declared, however many make them at once and however late answers come."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.contract.systems import spec
from tests.unit.gateway.memory.slow_calls import World

TASKS = 12


def tasks_after(seed: int, makers: int, **world: object) -> tuple[int, list[object], object]:
    """How many tasks there are, how each maker ended, and the parameters that they left behind."""
    grid = MemoryGrid()
    made = MemoryGateway(grid).create_transformation(spec("t", type="MCSimulation"))
    before = grid.transformations[made.id].parameters.copy()
    ends = World(grid, seed, **world).run(  # type: ignore[arg-type]
        [lambda gateway: gateway.ensure_tasks(made.id, TASKS)] * makers
    )
    now = grid.transformations[made.id]
    left = {name: value for name, value in now.parameters.items() if name not in before}
    return len(now.tasks), ends, left


@pytest.mark.parametrize("makers", [2, 3])
def test_live_workers_side_by_side_make_them_once(makers: int) -> None:
    for seed in range(60):
        count, ends, left = tasks_after(seed, makers, takes=(0.025, 0.1))
        assert count == TASKS, f"seed {seed}: {ends}"
        assert sum(ends) == TASKS  # type: ignore[arg-type]
        assert left == {}


@pytest.mark.parametrize("makers", [1, 2])
def test_a_call_that_is_carried_out_after_we_gave_up_adds_nothing_twice(makers: int) -> None:
    for seed in range(60):
        count, ends, _ = tasks_after(seed, makers, takes=(0.025, 0.1), stalls=0.2)
        assert count == TASKS, f"seed {seed}: {ends}"


@pytest.mark.parametrize("makers", [1, 2])
def test_workers_that_die_at_any_call_leave_as_many_as_declared(makers: int) -> None:
    for seed in range(60):
        count, ends, left = tasks_after(seed, makers, takes=(0.025, 0.1), dies=0.1)
        assert count == TASKS, f"seed {seed}: {ends}"
        assert left == {} or makers > 1, f"seed {seed}: {left}"


def test_calls_that_take_almost_as_long_as_we_wait_make_them_once() -> None:
    for seed in range(40):
        count, ends, _ = tasks_after(seed, 2, takes=(0.1, 2.0), stalls=0.05, dies=0.03)
        assert count == TASKS, f"seed {seed}: {ends}"


def test_who_asks_for_fewer_adds_none_and_waits_for_nobody() -> None:
    grid = MemoryGrid()
    gateway = MemoryGateway(grid)
    made = gateway.create_transformation(spec("t", type="MCSimulation"))
    gateway.ensure_tasks(made.id, 5)
    before = gateway.services.calls.total()
    assert gateway.ensure_tasks(made.id, 5) == 0
    assert gateway.services.calls.total() == before + 2
