"""A simulation on a site that monitors no tasks: job monitoring knows how its jobs ended."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.policy import History, StepRules, judge
from dirac_prodsys.core.recovery.rules import RecoveryRules
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.recovery import recover
from tests.unit.gateway.memory.small_chain import simulation, started

RULES = StepRules(False, tasks=3, stall_after=600.0, extend=1.0, max_failed=0.9)


@pytest.mark.parametrize("failing", [set(), {2}])
def test_it_ends_though_the_transformation_system_follows_no_task(failing: set[int]) -> None:
    grid = MemoryGrid(fails=lambda task: task.id in failing)
    grid.stopped_agents = {"task_monitoring"}
    gateway = MemoryGateway(grid)
    made, body = started(gateway, simulation(), 3), simulation().body
    history = History()
    for _ in range(400):
        grid.advance(10)
        seen = gateway.snapshot([made])[made]
        verdict, history = judge(
            seen, RULES, history, now=grid.now, quiet_seconds=20, inputs_final=True
        )
        if verdict.kind == "recover":
            outcome = recover(gateway, made, body, RULES)
            history = outcome.remembered(history, grid.now)
        elif verdict.kind == "extend":
            gateway.ensure_tasks(made, verdict.tasks)
        elif verdict.kind != "wait":
            break
    assert verdict.kind == "complete"
    tasks = gateway.snapshot([made])[made].tasks
    assert tasks == ({"Done": 4, "Failed": 1} if failing else {"Done": 3})


def test_in_passive_mode_no_task_is_set() -> None:
    grid = MemoryGrid()
    grid.stopped_agents = {"task_monitoring"}
    gateway = MemoryGateway(grid)
    made = started(gateway, simulation(), 3)
    grid.advance(100)
    passive = StepRules(False, tasks=3, recovery=RecoveryRules("passive"))
    recover(gateway, made, simulation().body, passive)
    assert gateway.snapshot([made])[made].tasks == {"Submitted": 3}
