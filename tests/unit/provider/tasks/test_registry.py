"""A run in DIRAC's ProductionSystem: entered before anything starts, and never in the way."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.run.registry import status_of
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator
from dirac_prodsys.provider.tasks.registry import (
    DiracRegisterProductionOperator,
    follow_all,
    follow_run,
)
from tests.unit.provider.conftest import TWO_STEPS, Connect

Context = dict[str, Any]


@pytest.fixture
def register(production: Production) -> DiracRegisterProductionOperator:
    return DiracRegisterProductionOperator(task_id="register", production=production)


@pytest.fixture
def created(grid: MemoryGrid, production: Production, context: Context) -> MemoryGrid:
    for step in ("make", "merge"):
        DiracCreateTransformationOperator(task_id="t", production=production, step=step).work(
            context, {}
        )
    return grid


def test_a_run_is_entered_with_its_members_and_their_parents(
    created: MemoryGrid, register: DiracRegisterProductionOperator, context: Context
) -> None:
    answer = register.work(context, {})
    assert (answer["name"], answer["status"], answer["members"]) == ("two__r1", "Active", [1, 2])
    (entry,) = created.productions.values()
    assert entry.links == [(1, -1), (2, 1)]
    assert {t.status for t in created.transformations.values()} == {"New"}


def test_twice_leaves_one_entry(
    created: MemoryGrid, register: DiracRegisterProductionOperator, context: Context
) -> None:
    assert register.work(context, {}) == register.work(context, {})
    assert len(created.productions) == 1


@pytest.mark.parametrize("method", ["getProduction", "addProduction", "setProductionStatus"])
@pytest.mark.parametrize("kind", ["unavailable", "hang", "denied", "lost"])
def test_whatever_is_wrong_with_it_the_task_is_skipped_and_says_so(
    created: MemoryGrid,
    register: DiracRegisterProductionOperator,
    context: Context,
    method: str,
    kind: Any,
) -> None:
    created.fault(kind, method)
    with pytest.raises(AirflowSkipException, match="the production goes on"):
        register.work(context, {})
    assert {t.status for t in created.transformations.values()} == {"New"}


def test_a_connection_may_switch_it_off(
    created: MemoryGrid,
    register: DiracRegisterProductionOperator,
    context: Context,
    connect: Connect,
    request: pytest.FixtureRequest,
) -> None:
    connect(backend="memory", config=request.node.name, registry=False)
    with pytest.raises(AirflowSkipException, match="registry: false"):
        register.work(context, {})
    assert created.productions == {}


def test_the_entry_follows_its_members(
    created: MemoryGrid,
    register: DiracRegisterProductionOperator,
    context: Context,
    gateway: MemoryGateway,
    production: Production,
) -> None:
    plan = compile(production, run="r1")
    assert follow_run(gateway, plan) == ""  # never entered
    register.work(context, {})
    gateway.start_transformation(1)
    assert follow_run(gateway, plan) == "Active"
    gateway.stop_transformation(1)
    assert follow_run(gateway, plan) == "Stopped"
    gateway.complete_transformation(1)
    assert gateway.mark_production("two__r1", "Active") == "Active"
    gateway.complete_transformation(2)
    assert follow_run(gateway, plan) == "Completed"
    assert gateway.mark_production("two__r1", "Active") == "Completed"
    assert [t.status for t in created.transformations.values()] == ["Completed", "Completed"]


def test_what_was_removed_is_left_out_and_an_entry_of_nothing_else_is_cleaned() -> None:
    assert status_of(["Completed", "Cleaned", "Completed"], 2) == "Completed"
    assert status_of(["Completed", "Cleaned"], 2) == "Active"
    assert status_of(["Cleaned", "Cleaning"], 2) == "Cleaned"
    assert status_of(["Stopped", "Completed"], 2) == "Stopped"
    assert status_of(["Stopped", "Active"], 2) == "Active"
    assert status_of([], 2) == "Active"


def test_the_entries_of_the_runs_that_were_acted_on_follow(
    created: MemoryGrid,
    register: DiracRegisterProductionOperator,
    context: Context,
    gateway: MemoryGateway,
) -> None:
    register.work(context, {})
    gateway.start_transformation(1)
    gateway.stop_transformation(1)
    follow_all("dirac_default", ["two__r1__make", "two__r1__merge", "other__r1__step"])
    (entry,) = created.productions.values()
    assert entry.row["Status"] == "Stopped"
    created.down = True
    follow_all("dirac_default", ["two__r1__make"])


def test_no_start_depends_on_how_it_ended() -> None:
    dag = build_dag(load_production(TWO_STEPS, "two.yaml"))
    register, verify = (dag.get_task(f"prepare.{name}") for name in ("register", "verify"))
    above = register.get_flat_relative_ids(upstream=True)
    assert {"prepare.create.make", "prepare.create.merge"} <= above
    assert register.downstream_task_ids == {"prepare.verify"}
    assert verify.trigger_rule == "all_done"
    for step in ("make", "merge"):
        above = dag.get_task(f"{step}.start").get_flat_relative_ids(upstream=True)
        assert {"prepare.register", "prepare.verify"} <= above
    # the run waits for it: it is tried again soon, and no later each time
    assert (register.retry_delay.total_seconds(), register.retry_exponential_backoff) == (10, False)


def test_a_production_may_switch_it_off() -> None:
    text = TWO_STEPS.replace("name: two, ", "name: two, registry: false, ")
    assert text != TWO_STEPS
    dag = build_dag(load_production(text, "f"))
    assert not [name for name in dag.task_dict if name.endswith("register")]
    assert dag.get_task("prepare.verify").trigger_rule == "all_success"
    assert dag.get_task("prepare.verify").upstream_task_ids == {"prepare.create.merge"}
