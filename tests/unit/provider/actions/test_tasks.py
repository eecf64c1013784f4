"""People's actions under the real operators: nothing without a preview, each once, all reported."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures import stops
from dirac_prodsys.gateway.procedures.stops import LAST_ACTION
from dirac_prodsys.provider.actions.dag import actions_dag
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator
from tests.unit.provider.actions.action_runs import MAKE, MERGE, OWN, REAL, RISKY, row, words


@pytest.mark.parametrize("action", ACTIONS)
def test_a_preview_touches_nothing(grid: MemoryGrid, ops: Any, action: str) -> None:
    before = copy.deepcopy([(t.row, t.parameters, t.files) for t in grid.transformations.values()])
    log = list(grid.log)
    run = ops(action, **OWN.get(action, {}))
    shown = run.preview()
    with pytest.raises(AirflowSkipException):
        run.act()
    after = [(t.row, t.parameters, t.files) for t in grid.transformations.values()]
    assert after == before
    assert grid.log == log
    assert shown["by"] == "shifter"
    assert {row["id"] for row in shown["rows"]} == {MAKE, MERGE}
    assert run.ti.pushed["table"].startswith(f"{action}, production two")


@pytest.mark.parametrize("action", ["stop", "extend", "complete"])
def test_the_command_of_a_preview_does_what_it_shows(
    grid: MemoryGrid, ops: Any, action: str
) -> None:
    shown = ops(action, reason="it's full", **OWN.get(action, {})).preview()
    airflow, ours = shown["commands"]
    *command, conf = shlex.split(airflow)
    assert command == ["airflow", "dags", "trigger", "production_operations", "--conf"]
    given = json.loads(conf)
    assert given["preview"] is False
    assert given["digest"] == shown["digest"]
    assert ours.startswith(f"dirac-prodsys {action} two ")
    done = ops(given.pop("action"), **given).carry_out()
    assert "done" in words(done).values()


def test_a_command_fits_one_preview_only(grid: MemoryGrid, ops: Any) -> None:
    given = json.loads(shlex.split(ops("stop").preview()["commands"][0])[-1])
    row(grid, MERGE)["Status"] = "Completed"
    with pytest.raises(AirflowFailException, match="what would be touched has changed"):
        ops(given.pop("action"), **given).preview()


def test_where_nothing_would_be_done_no_command_is_shown(grid: MemoryGrid, ops: Any) -> None:
    assert ops("start").preview()["commands"] == []
    assert ops("stop", **REAL).preview()["commands"] == []


def test_stop_and_resume(grid: MemoryGrid, ops: Any) -> None:
    outcome = ops("stop", reason="storage is down", **REAL).carry_out()
    assert words(outcome) == {MAKE: "done", MERGE: "done"}
    assert [row(grid, n)["Status"] for n in (MAKE, MERGE)] == ["Stopped", "Stopped"]
    note = grid.transformations[MAKE].parameters[LAST_ACTION]
    assert note == "stop by shifter: storage is down (ops-1)"
    assert words(ops("stop", **REAL).carry_out()) == {MAKE: "done", MERGE: "done"}
    assert words(ops("resume", steps=["merge"], **REAL).carry_out()) == {MERGE: "done"}
    assert [row(grid, n)["Status"] for n in (MAKE, MERGE)] == ["Stopped", "Active"]


def test_what_a_run_s_end_had_stopped_can_be_stopped_by_a_person(
    grid: MemoryGrid, gateway: MemoryGateway, ops: Any
) -> None:
    stops.stop(gateway, MAKE, "the run failed")
    assert stops.stopped_by_us(gateway, MAKE)
    assert words(ops("stop", steps=["make"], **REAL).carry_out()) == {MAKE: "done"}
    assert not stops.resume(gateway, MAKE)
    assert row(grid, MAKE)["Status"] == "Stopped"
    assert words(ops("resume", steps=["make"], **REAL).carry_out()) == {MAKE: "done"}
    assert row(grid, MAKE)["Status"] == "Active"


def test_flush(grid: MemoryGrid, ops: Any) -> None:
    run = ops("flush", **REAL)
    (make, merge) = run.preview()["rows"]
    assert (make["answer"], merge["answer"]) == ("leave", "act")
    assert (merge["files"], merge["bytes"]) == (2, 2_000_000)
    assert words(run.act()) == {MAKE: "left", MERGE: "done"}
    assert row(grid, MERGE)["Status"] == "Flush"
    grid.advance(100)
    assert set(map(str, (f.status for f in grid.transformations[MERGE].files.values()))) == {
        "Processed"
    }


def test_flush_of_what_somebody_stopped_meanwhile_is_reported(grid: MemoryGrid, ops: Any) -> None:
    run = ops("flush", **REAL)
    run.preview()
    row(grid, MERGE)["Status"] = "Stopped"
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert words(run.ti.pushed["outcome"]) == {MAKE: "left", MERGE: "failed"}
    assert "it is Stopped by now" in run.ti.pushed["table"]


def test_complete(grid: MemoryGrid, ops: Any) -> None:
    with pytest.raises(AirflowFailException, match="needs a reason"):
        ops("complete", **REAL).preview()
    assert row(grid, MERGE)["Status"] == "Active"
    assert words(ops("complete", steps=["merge"], **RISKY).carry_out()) == {MERGE: "done"}
    assert row(grid, MERGE)["Status"] == "Completed"


def test_extend_adds_what_was_shown_and_no_more(grid: MemoryGrid, ops: Any) -> None:
    run = ops("extend", tasks=3, **REAL)
    assert [r["total"] for r in run.preview()["rows"]] == [9, None]
    assert words(run.act()) == {MAKE: "done", MERGE: "left"}
    assert len(grid.transformations[MAKE].tasks) == 9
    run.act()
    assert len(grid.transformations[MAKE].tasks) == 9


def test_a_group_size_that_a_person_set_survives_a_cleared_create(
    grid: MemoryGrid, ops: Any, production: Production, context: dict[str, Any]
) -> None:
    assert words(ops("set_group_size", group_size=2, **REAL).carry_out()) == {
        MAKE: "left",
        MERGE: "done",
    }
    task = DiracCreateTransformationOperator(task_id="t", production=production, step="merge")
    assert task.work(context, {})["adopted"] is True
    assert row(grid, MERGE)["GroupSize"] == 2


def test_clean_and_delete_in_this_order(grid: MemoryGrid, ops: Any) -> None:
    named = {"run": "r1", "confirm": "two", **RISKY}
    with pytest.raises(AirflowFailException, match="2 refused"):
        ops("delete", **named).carry_out()
    assert words(ops("clean", **named).carry_out()) == {MAKE: "done", MERGE: "done"}
    assert row(grid, MAKE)["Status"] == "Cleaning"
    grid.advance(20)
    assert words(ops("delete", **named).carry_out()) == {MAKE: "done", MERGE: "done"}
    assert grid.transformations == {}


@pytest.mark.parametrize("action", ["clean", "delete"])
@pytest.mark.parametrize("typed", ["", "tow", "*"])
def test_a_wrong_confirmation_reaches_no_grid(
    grid: MemoryGrid, ops: Any, action: str, typed: str
) -> None:
    grid.down = True
    with pytest.raises(AirflowFailException, match="is not confirmed"):
        ops(action, run="r1", confirm=typed, **RISKY).preview()


def test_a_form_that_is_got_around_is_checked_again(ops: Any) -> None:
    for given in ({"production": "{{ ds }}"}, {"steps": ["a b"]}, {"preview": "false"}):
        with pytest.raises(AirflowFailException):
            ops("stop", **given).preview()


def test_what_is_not_ours_is_not_touched_but_by_name_and_force(
    grid: MemoryGrid, gateway: MemoryGateway, ops: Any
) -> None:
    spec = compile(_other(), run="r1").steps[0].transformation
    other = gateway.create_transformation(
        spec.model_copy(update={"name": "by_hand", "group": "General"})
    )
    gateway.start_transformation(other.id)
    assert other.id not in words(ops("stop", production="*", **REAL).carry_out())
    with pytest.raises(AirflowFailException, match="no transformation of ours"):
        ops("stop", production="by_hand", **REAL).preview()
    with pytest.raises(AirflowFailException, match="force is an exception"):
        ops("stop", production="by_hand", force=True, **REAL).preview()
    forced = ops("stop", production="by_hand", force=True, **RISKY).carry_out()
    assert words(forced) == {other.id: "done"}


def _other() -> Production:
    from tests.unit.provider.conftest import TWO_STEPS, load_production

    return load_production(TWO_STEPS.replace("two", "other"), "other.yaml")


def test_the_dag_is_the_same_whenever_it_is_built_and_renders_nothing() -> None:
    one, other = actions_dag(), actions_dag()
    assert one.params == other.params
    assert one.params["preview"] is True
    assert [(t.task_id, tuple(t.template_fields)) for t in one.tasks] == [
        ("preview", ()),
        ("act", ()),
    ]


def test_clean_tells_the_outputs_that_go_and_those_that_stay(grid: MemoryGrid, ops: Any) -> None:
    make, _ = ops("clean", run="r1").preview()["rows"]
    assert (make["files"], make["bytes"], make["why"]) == (6, 6_000_000, "→ Cleaning")
    for file in grid.catalogue.files.values():
        file.metadata.pop("TransformationID", None)
    make, _ = ops("clean", run="r1").preview()["rows"]
    assert make["why"].endswith("6 output files carry no ID of it, and stay")


def test_the_form_offers_the_productions_and_takes_others() -> None:
    param = actions_dag(["bands", "gam"]).params.get_param("production")
    assert param.schema["examples"] == ["bands", "gam"]
    assert param.resolve("ba*") == "ba*"
    assert "examples" not in actions_dag().params.get_param("production").schema
