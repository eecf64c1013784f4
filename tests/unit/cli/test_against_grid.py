"""``plan --live`` and ``diff FILE --live``: what a plan meets on the grid in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import CATALOGUE

GRID = "against-grid"
ASKED = ("--run", "r1", "--live", "--backend", "memory", "--config", GRID)


@pytest.fixture
def gateway() -> Iterator[MemoryGateway]:
    grid = memory.register(GRID, MemoryGrid())
    yield MemoryGateway(grid, GatewaySettings(backend="memory"))
    memory.forget(GRID)


def planned(file: Path) -> ProductionPlan:
    return compile(read_production(file), run="r1")


def define_fields(gateway: MemoryGateway) -> None:
    for field in ("production", "run", "step"):
        gateway.services.call(CATALOGUE, "addMetadataField", field, "VARCHAR(128)", "-d")


def created(gateway: MemoryGateway, file: Path) -> ProductionPlan:
    """Everything of the plan but the dataset, which has to have files."""
    plan = planned(file)
    define_fields(gateway)
    for step in plan.steps:
        gateway.create_transformation(step.transformation)
    return plan


def compared(prodsys: Any, *arguments: Any) -> tuple[int, list[str]]:
    result = prodsys("diff", *arguments, *ASKED)
    return result.exit_code, result.stdout.splitlines()


def test_before_a_run_all_of_it_is_new(prodsys, gateway, good):
    assert compared(prodsys, good) == (
        1,
        [
            "+ simulate: transformation new",
            "+ merge: transformation new",
            "+ index: transformation new",
            "+ index: dataset new",
        ],
    )


def test_what_is_there_is_adopted_or_in_the_way_and_strangers_are_named(prodsys, gateway, good):
    plan = created(gateway, good)
    gateway.start_transformation(1)
    gateway.ensure_tasks(1, 3)
    again = plan.step("merge").transformation
    for name in ("good__r1__merge__2", "good__r1__old", "good__r2__merge"):
        gateway.create_transformation(again.model_copy(update={"name": name}))
    good.write_text(good.read_text().replace("group_size: 100", "group_size: 50"))
    assert compared(prodsys, good) == (
        1,
        [
            "= simulate: transformation there already, and adopted: ID 1, Active, 3 tasks",
            "= merge: transformation there already, and adopted: ID 2, New",
            "! index: transformation there already, and another: ID 3, New",
            "    group size: asked 50, found 100",
            "? merge: transformation made anew as good__r1__merge__2: ID 4, New",
            "? good__r1__old: transformation there, and not of this plan: ID 5, New",
            "+ index: dataset new",
        ],
    )


def test_json_has_what_was_read_back(prodsys, gateway, good):
    created(gateway, good)
    result = json.loads(prodsys("diff", good, *ASKED, "--json").stdout)
    assert (result["production"], result["run"]) == ("good", "r1")
    merge = next(m for m in result["meetings"] if m["step"] == "merge")
    assert (merge["state"], merge["differences"]) == ("equal", [])
    found = merge["found"]
    assert (found["id"], found["type"], found["group_size"]) == (2, "Merging", 2.0)
    assert found["input_query"]["step"] == {"=": "simulate"}
    plan = json.loads(prodsys("plan", good, *ASKED, "--json").stdout)
    assert plan["grid"] == result["meetings"]
    assert plan["digest"] == planned(good).digest


def test_a_live_plan_shows_at_each_step_what_the_grid_has(prodsys, gateway, good):
    created(gateway, good)
    good.write_text(good.read_text().replace("group_size: 100", "group_size: 50"))
    text = prodsys("plan", good, *ASKED).stdout
    assert "on the grid: transformation there already, and adopted: ID 2, New" in text
    assert "group size: asked 50, found 100" in text
    assert "on the grid: dataset new" in text


def test_a_production_that_is_complete_on_the_grid_has_no_difference(prodsys, gateway, good):
    text = good.read_text()
    good.write_text(text[: text.index("    dataset:")])
    created(gateway, good)
    code, lines = compared(prodsys, good)
    assert code == 0
    assert [line[0] for line in lines] == ["=", "=", "="]


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "FILE"),
        ("diff", "FILE", "--live"),
        ("diff", "FILE", "FILE", "--live", "--run", "x"),
    ],
)
def test_diff_takes_two_files_or_one_and_a_run(prodsys, good, arguments):
    result = prodsys(*(good if word == "FILE" else word for word in arguments))
    assert result.exit_code == 2
    assert "give two files, or one with --live and --run" in result.output


def test_a_plan_needs_the_run_that_it_is_compared_for(prodsys, good):
    result = prodsys("plan", good, "--live")
    assert result.exit_code == 2
    assert "say which with --run" in result.output


@pytest.mark.parametrize("command", ["diff", "plan"])
def test_an_unknown_backend_is_an_error_in_words(prodsys, good, command):
    result = prodsys(command, good, "--live", "--run", "r1", "--backend", "nope")
    assert (result.exit_code, type(result.exception)) == (3, SystemExit)
    assert "unknown backend 'nope'" in result.stderr
