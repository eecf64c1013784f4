"""The acts of a step: repeatable, clear when refused, patient when the grid is down."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import NEVER_EXPIRE
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.gateway import MemoryServices
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.triggers import DiracGatewayTrigger

ACTS = (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
    DiracFlushTransformationOperator,
    DiracCompleteTransformationOperator,
)

Context = dict[str, Any]


def do(act: type, production: Production, step: str, context: Context, **more: Any) -> Any:
    return act(task_id="t", production=production, step=step, **more).work(context, {})


def run_to_the_end(production: Production, context: Context, grid: MemoryGrid) -> None:
    for step in ("make", "merge"):
        do(DiracCreateTransformationOperator, production, step, context)
    for step in ("make", "merge"):
        do(DiracStartTransformationOperator, production, step, context)
    grid.advance(200)
    do(DiracFlushTransformationOperator, production, "merge", context)
    grid.advance(200)


def test_create_tells_and_keeps_the_id_for_ever(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    result = do(DiracCreateTransformationOperator, production, "make", context)
    assert result == {"id": 1, "name": "two__r1__make", "adopted": False}
    store = context["task_state_store"]
    assert store["transformation"] == result
    assert store.retention is NEVER_EXPIRE


def test_create_again_adopts(grid: MemoryGrid, production: Production, context: Context) -> None:
    first = do(DiracCreateTransformationOperator, production, "make", context)
    again = do(DiracCreateTransformationOperator, production, "make", context)
    assert again == {**first, "adopted": True}
    assert len(grid.transformations) == 1


def test_another_run_has_transformations_of_its_own(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    do(DiracCreateTransformationOperator, production, "make", context)
    do(DiracCreateTransformationOperator, production, "make", {**context, "run_id": "r2"})
    assert {t.row["TransformationName"] for t in grid.transformations.values()} == {
        "two__r1__make",
        "two__r2__make",
    }


def test_a_conflict_fails_at_once_and_says_what_differs(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    spec = compile(production, run="r1").step("make").transformation
    gateway.create_transformation(spec.model_copy(update={"group_size": 77.0}))
    with pytest.raises(AirflowFailException, match="hint"):
        do(DiracCreateTransformationOperator, production, "make", context)


@pytest.mark.parametrize("act", ACTS)
def test_every_act_may_be_repeated(
    grid: MemoryGrid, production: Production, context: Context, act: type
) -> None:
    run_to_the_end(production, context, grid)
    first = do(act, production, "merge", context)
    tasks = {number: len(t.tasks) for number, t in grid.transformations.items()}
    again = do(act, production, "merge", context)
    assert again["id"] == first["id"]
    assert {number: len(t.tasks) for number, t in grid.transformations.items()} == tasks


def test_start_makes_directories_and_tasks_before_it_activates(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    do(DiracCreateTransformationOperator, production, "make", context)
    result = do(DiracStartTransformationOperator, production, "make", context)
    assert result["tasks_added"] == 6
    assert do(DiracStartTransformationOperator, production, "make", context)["tasks_added"] == 0
    assert grid.transformations[1].status == "Active"


def test_an_act_without_a_transformation_says_what_to_do(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    with pytest.raises(AirflowFailException, match="clear the task that creates it"):
        do(DiracCompleteTransformationOperator, production, "make", context)


@pytest.mark.parametrize("found", ["New", "Active"])
@pytest.mark.parametrize("call", range(12))
def test_a_start_leaves_what_a_person_stops_meanwhile(
    grid: MemoryGrid,
    production: Production,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    call: int,
    found: str,
) -> None:
    """Whatever it was when the task looked first."""
    made = DiracCreateTransformationOperator(task_id="c", production=production, step="make")
    number = made.work(context, {})["id"]
    grid.serve_setTransformationParameter(number, "Status", found)
    begun, serve = [0], MemoryServices.call

    def between(services: MemoryServices, service: str, method: str, *given: Any) -> Any:
        begun[0] += 1
        if begun[0] == call + 1:
            grid.serve_setTransformationParameter(number, "Status", "Stopped")
        return serve(services, service, method, *given)

    monkeypatch.setattr(MemoryServices, "call", between)
    start = DiracStartTransformationOperator(task_id="s", production=production, step="make")
    start.work(context, {})
    assert begun[0] > call
    assert grid.transformations[number].status == "Stopped"


def test_flush_does_nothing_when_nothing_is_left_over(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    result = do(DiracFlushTransformationOperator, production, "merge", context)
    assert (result["flushed"], result["unused"]) == (False, 0)
    assert grid.transformations[2].status == "Active"


def test_flush_leaves_a_stopped_transformation_alone(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    for step in ("make", "merge"):
        do(DiracCreateTransformationOperator, production, step, context)
        do(DiracStartTransformationOperator, production, step, context)
    grid.advance(200)
    gateway.stop_transformation(2)
    result = do(DiracFlushTransformationOperator, production, "merge", context)
    assert (result["flushed"], result["unused"]) == (False, 2)
    assert grid.transformations[2].status == "Stopped"


def test_complete_returns_what_it_was_like_before(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    result = do(DiracCompleteTransformationOperator, production, "merge", context)
    assert result["status"] == "Active"
    assert result["files"] == {"Processed": 6}
    assert grid.transformations[2].status == "Completed"


def test_complete_of_a_cleaned_transformation_fails(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    do(DiracCreateTransformationOperator, production, "make", context)
    grid.serve_setTransformationParameter(1, "Status", "Cleaned")
    with pytest.raises(AirflowFailException, match="Cleaned"):
        do(DiracCompleteTransformationOperator, production, "make", context)


def test_a_dataset_is_made_and_announced_as_an_asset(
    grid: MemoryGrid, gateway: MemoryGateway, production: Production, context: Context
) -> None:
    run_to_the_end(production, context, grid)
    operator = DiracCreateDatasetOperator(task_id="t", production=production, step="merge")
    result = operator.work(context, {})
    asset, alias = operator.outlets
    assert asset.uri == "dirac://sim/two/merge"
    by_path = context["outlet_events"][alias].added
    assert by_path == {"dirac://sim/datasets/two_r1": context["outlet_events"][asset].extra}
    extra = context["outlet_events"][asset].extra
    assert extra["dataset"] == "/sim/datasets/two_r1"
    assert (extra["files"], extra["frozen"], extra["production"]) == (2, True, "two")
    assert (extra["run"], extra["step"], extra["events"]) == ("r1", "merge", None)
    record = gateway.find_dataset("/sim/datasets/two_r1")
    assert record is not None
    assert extra["bytes"] == record.size > 0
    assert extra["list_checksum"] == record.list_checksum
    assert extra["query"] == record.query
    assert "production=two run=r1 step=merge digest=" in record.annotation
    assert operator.work(context, {}) == {**result, "adopted": True}


def test_a_step_without_a_dataset_is_a_clear_failure(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    with pytest.raises(AirflowFailException, match="has no dataset"):
        do(DiracCreateDatasetOperator, production, "make", context)


def test_specs_alone_serve_a_dag_written_by_hand(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    plan = compile(production, run="r1").step("make")
    spec = plan.transformation.model_dump(mode="json")
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        assert act(task_id="t", spec=spec).work(context, {})["name"] == "two__r1__make"


@pytest.mark.parametrize("arguments", [{}, {"step": "make"}, {"production": True}, {"spec": 1}])
def test_an_operator_wants_a_step_or_a_spec(
    production: Production, arguments: dict[str, Any]
) -> None:
    if "production" in arguments:
        arguments = {"production": production}
    if "spec" in arguments:
        arguments = {"production": production, "step": "make", "spec": {}}
    with pytest.raises(ValueError, match="production= and step=, or spec="):
        DiracCreateTransformationOperator(task_id="t", **arguments)


def test_an_unknown_step_is_refused_when_the_dag_is_built(production: Production) -> None:
    with pytest.raises(KeyError):
        DiracCreateTransformationOperator(task_id="t", production=production, step="nope")


def test_a_short_outage_is_survived_inside_the_task(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    grid.fault("unavailable", times=2)
    result = do(DiracCreateTransformationOperator, production, "make", context)
    assert result["id"] == 1


def test_a_long_outage_frees_the_worker_and_spends_no_retry(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    grid.down = True
    operator = DiracCreateTransformationOperator(
        task_id="t", production=production, step="make", outage_patience=0
    )
    with pytest.raises(TaskDeferred) as caught:
        operator.work(context, {})
    assert isinstance(caught.value.trigger, DiracGatewayTrigger)
    grid.down = False
    resume = getattr(operator, caught.value.method_name)
    assert resume(context, {"kind": "reachable", "state": {}})["id"] == 1


def test_an_outage_of_a_week_costs_a_retry(production: Production, context: Context) -> None:
    operator = DiracCreateTransformationOperator(task_id="t", production=production, step="make")
    with pytest.raises(AirflowException, match="7 days") as caught:
        operator.after_outage(context, {"kind": "timeout", "reason": "no route"})
    assert not isinstance(caught.value, AirflowFailException)


def test_a_refused_proxy_costs_a_retry_not_the_production(
    grid: MemoryGrid, production: Production, context: Context
) -> None:
    grid.fault("denied")
    with pytest.raises(AirflowException) as caught:
        do(DiracCreateTransformationOperator, production, "make", context)
    assert not isinstance(caught.value, AirflowFailException)


def test_a_production_of_another_vo_is_refused(
    grid: MemoryGrid, production: Production, context: Context, connect: Any
) -> None:
    connect(backend="memory", config="x", vo="ctao")
    with pytest.raises(AirflowFailException, match=r"'sim'.*'ctao'"):
        do(DiracCreateTransformationOperator, production, "make", context)
    assert not grid.transformations


def test_the_link_is_known_after_the_work(
    grid: MemoryGrid, production: Production, context: Context, connect: Any, request: Any
) -> None:
    connect(backend="memory", config=request.node.name, portal="https://p/{id}")
    operator = DiracCreateTransformationOperator(task_id="t", production=production, step="make")
    operator.work(context, {})
    (link,) = operator.operator_extra_links
    assert link.get_link(operator, ti_key=None) == "https://p/1"


def test_no_string_of_a_user_is_a_template() -> None:
    for act in (*ACTS, DiracCreateDatasetOperator):
        assert tuple(act.template_fields) == ()
