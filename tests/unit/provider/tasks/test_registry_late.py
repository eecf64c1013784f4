"""Steps that are created when their run is under way, in DIRAC's ProductionSystem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures import claims
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator
from dirac_prodsys.provider.tasks import registry
from dirac_prodsys.provider.tasks.registry import (
    DiracRegisterProductionOperator,
    DiracRegisterStepOperator,
)

Context = dict[str, Any]

TEXT = (Path(__file__).parents[3] / "productions" / "good" / "loop.yaml").read_text()
EARLY = ("simulate", "train.1", "test.1")


@pytest.fixture
def tuning() -> Production:
    return load_production(TEXT, "loop.yaml")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PAUSE", 0.0)


def create(production: Production, step: str, context: Context) -> None:
    DiracCreateTransformationOperator(task_id="t", production=production, step=step).work(
        context, {}
    )


def register(production: Production, step: str) -> DiracRegisterStepOperator:
    return DiracRegisterStepOperator(task_id="register", production=production, late=step)


@pytest.fixture
def under_way(grid: MemoryGrid, tuning: Production, context: Context) -> MemoryGrid:
    """Entered; the first step is done, the others are at work; the second pass is created."""
    for step in EARLY:
        create(tuning, step, context)
    DiracRegisterProductionOperator(task_id="register", production=tuning).work(context, {})
    gateway = MemoryGateway(grid)
    for number in (1, 2):
        gateway.start_transformation(number)
    gateway.complete_transformation(1)
    for step in ("train.2", "test.2"):
        create(tuning, step, context)
    return grid


def states(grid: MemoryGrid) -> list[str]:
    return [str(one.status) for one in grid.transformations.values()]


def test_a_late_step_is_entered_with_its_parents_and_nothing_is_started(
    under_way: MemoryGrid, tuning: Production, context: Context
) -> None:
    before = states(under_way)
    answer = register(tuning, "train.2").work(context, {})
    assert answer == {"id": 4, "status": "Active", "notes": []}
    (entry,) = under_way.productions.values()
    assert (entry.members, entry.links[3:]) == ([1, 2, 3, 4], [(4, 1)])
    register(tuning, "test.2").work(context, {})
    assert (entry.members, entry.links[4:]) == ([1, 2, 3, 4, 5], [(5, 4)])
    assert states(under_way) == before == ["Completed", "Active", "New", "New", "New"]


def test_twice_enters_it_once(under_way: MemoryGrid, tuning: Production, context: Context) -> None:
    assert register(tuning, "train.2").work(context, {}) == register(tuning, "train.2").work(
        context, {}
    )
    (entry,) = under_way.productions.values()
    assert entry.members.count(4) == 1


def test_a_production_that_a_person_stopped_stays_stopped(
    under_way: MemoryGrid, tuning: Production, context: Context
) -> None:
    (entry,) = under_way.productions.values()
    entry.row["Status"] = "Stopped"
    assert register(tuning, "train.2").work(context, {})["status"] == "Stopped"
    assert states(under_way)[:3] == ["Completed", "Active", "New"]


@pytest.mark.parametrize(
    "method", ["getProduction", "addTransformationsToProduction", "setProductionStatus"]
)
@pytest.mark.parametrize("kind", ["unavailable", "hang", "denied", "lost"])
def test_whatever_is_wrong_the_step_goes_on_and_that_is_reported(
    under_way: MemoryGrid, tuning: Production, context: Context, method: str, kind: Any
) -> None:
    before = states(under_way)
    under_way.fault(kind, method)
    assert "the step goes on" in register(tuning, "train.2").work(context, {})["notes"][0]
    under_way.faults.clear()
    assert register(tuning, "train.2").work(context, {})["status"] == "Active"
    assert states(under_way) == before


def test_a_run_that_was_not_entered_gets_no_entry_of_its_late_steps_alone(
    grid: MemoryGrid, tuning: Production, context: Context
) -> None:
    create(tuning, "train.2", context)
    (note,) = register(tuning, "train.2").work(context, {})["notes"]
    assert note.endswith("its run is not entered")
    assert grid.productions == {}


def test_one_is_entered_after_the_other(
    under_way: MemoryGrid, tuning: Production, context: Context, gateway: MemoryGateway
) -> None:
    claims.claim(gateway, 1, [registry._CLAIM], "another", settle=0)
    (note,) = register(tuning, "train.2").work(context, {})["notes"]
    assert note.endswith("others are entered all the time")
    claims.withdraw(gateway, 1, [registry._CLAIM])
    assert register(tuning, "train.2").work(context, {})["notes"] == []
    assert register(tuning, "test.2").work(context, {})["notes"] == []


def test_only_steps_that_are_created_late_have_the_task_and_it_comes_after_the_run_s_own() -> None:
    dag = build_dag(load_production(TEXT, "loop.yaml"))
    late = {name for name in dag.task_dict if name.endswith(".register")} - {"prepare.register"}
    passes = {f"{step}__{number}" for step in ("train", "test") for number in (2, 3)}
    assert late == {f"{step}.register" for step in (*passes, "apply")}
    for name in late:
        task = dag.get_task(name)
        step = name.removesuffix(".register")
        assert task.upstream_task_ids == {f"{step}.create"}
        above = task.get_flat_relative_ids(upstream=True)
        assert {"prepare.register", "prepare.verify"} <= above
        assert f"{step}.start" in task.downstream_task_ids
    text = TEXT.replace("name: tuning, ", "name: tuning, registry: false, ")
    assert text != TEXT
    dag = build_dag(load_production(text, "loop.yaml"))
    assert not [name for name in dag.task_dict if name.endswith(".register")]
