"""``dirac-prodsys status`` shows what the grid says; here the in-memory grid."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.cli.status import look
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.reports.meant import Filters
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid

FOREIGN = {
    "name": "somebody-elses",
    "type": "Merging",
    "group": "General",
    "description": "theirs",
    "body": JobSpec(name="x", job_type="User", commands=(Command(executable="merge"),)),
}


def fill(grid, file, run_id, state=""):
    """Make what the DAG's run of this ID makes."""
    gateway = MemoryGateway(grid)
    production = load_production(file.read_text(), str(file))
    for step in compile_plan(production, run=run_tag(run_id)).steps:
        record = gateway.create_transformation(step.transformation)
        if state:
            grid.transformations[record.id].row["Status"] = state


@pytest.fixture
def grid(good, tmp_path):
    """A grid that holds run r1 of the good production."""
    name = f"status-{tmp_path.name}"
    grid = memory.register(name, MemoryGrid())
    fill(grid, good, "r1")
    yield grid
    memory.forget(name)


@pytest.fixture
def options(grid, tmp_path):
    return ["--backend", "memory", "--config", f"status-{tmp_path.name}"]


def test_a_run_of_a_file_shows_all_its_transformations_in_order(prodsys, good, options):
    result = prodsys("status", "--file", good, "--run", "r1", "--json", *options)
    assert result.exit_code == 0
    rows = json.loads(result.stdout)["transformations"]
    assert [row["name"] for row in rows] == [
        "good__r1__simulate",
        "good__r1__merge",
        "good__r1__index",
    ]
    assert {row["status"] for row in rows} == {"New"}


def test_a_name_is_shown_as_a_table(prodsys, options):
    result = prodsys("status", "good__r1__merge", *options)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["production", "good,", "run", "r1"],
        ["Step", "ID", "Type", "Status", "Tasks", "Files"],
        ["merge", "2", "Merging", "New", "-", "-"],
    ]


def test_an_unknown_name_is_exit_code_3_and_shows_nothing(prodsys, options):
    result = prodsys("status", "good__r1__merge", "good__r2__merge", *options)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "good__r2__merge" in result.stderr


def test_a_gateway_that_does_not_exist_is_exit_code_3(prodsys):
    result = prodsys("status", "any", "--backend", "nosuch")
    assert result.exit_code == 3
    assert "nosuch" in result.stderr


def test_a_production_shows_its_runs_that_are_not_over(prodsys, good, grid, options):
    fill(grid, good, "r2", "Completed")
    shown = prodsys("status", "good", *options)
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "production",
        "Step",
        "simulate",
        "merge",
        "index",
    ]
    assert "production good, run r1" in shown.stdout
    assert "1 runs that are over are not shown: --run '*' shows all" in shown.stderr
    every = prodsys("status", "good", "--run", "*", *options)
    assert every.stdout.splitlines()[:2][0] == "production good"
    assert every.stdout.splitlines()[1].split()[:3] == ["Step", "Run", "ID"]
    assert [line.split()[1] for line in every.stdout.splitlines()[2:]] == ["r2"] * 3 + ["r1"] * 3


def test_several_productions_are_distinguished(prodsys, good, grid, options):
    other = good.parent / "other.yaml"
    other.write_text(good.read_text().replace("name: good", "name: other"))
    fill(grid, other, "r1")
    shown = prodsys("status", "*o*", "--step", "m*", *options).stdout.splitlines()
    assert [line.split()[:3] for line in shown] == [
        ["Step", "Run", "Production"],
        ["merge", "r1", "good"],
        ["merge", "r1", "other"],
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["good__*__merge"],
        ["good/merge"],
        ["good", "--step", "merge"],
        ["good__r1/merge"],
        ["good__r1__merge", "--run", "r1"],
    ],
)
def test_a_step_is_named_in_many_ways(prodsys, options, words):
    rows = json.loads(prodsys("status", *words, "--json", *options).stdout)["transformations"]
    assert [(row["production"], row["run"], row["step"]) for row in rows] == [
        ("good", "r1", "merge")
    ]


def test_nothing_is_cut_however_long(prodsys, good, grid, options):
    step = f"simulate-{'x' * 90}"
    long = good.parent / "long.yaml"
    long.write_text(good.read_text().replace("simulate", step).replace("name: good", "name: long"))
    fill(grid, long, "manual__2026-11-29T10:00:00.123456+00:00")
    assert step in prodsys("status", "long", *options).stdout


def test_what_we_did_not_create_is_shown_by_its_full_name(prodsys, grid, options):
    gateway = MemoryGateway(grid)
    gateway.create_transformation(TransformationSpec(**FOREIGN))
    shown = prodsys("status", "somebody-elses", "good/merge", *options)
    assert [line.split()[:3] for line in shown.stdout.splitlines()] == [
        ["Step", "Run", "Production"],
        ["somebody-elses", "-", "-"],
        ["merge", "r1", "good"],
    ]


def test_steps_of_a_file_that_are_not_created_yet_are_reported(prodsys, good, grid, options):
    MemoryGateway(grid).delete_transformation(3)
    shown = prodsys("status", "--file", good, "--run", "r1", *options)
    assert shown.exit_code == 0
    assert "not made: index" in shown.stderr
    assert prodsys("status", "--file", good, "--run", "r9", *options).exit_code == 3


def test_an_unknown_name_is_refused_with_a_hint(prodsys, options):
    for words in (["goof"], ["good", "--run", "r9"], ["good/none"], ["goof*"], ["goof__*"]):
        result = prodsys("status", *words, *options)
        assert (result.exit_code, result.stdout) == (3, ""), words
        assert "hint:" in result.stderr


def test_the_number_of_calls_does_not_grow_with_the_names(good, grid):
    for number in range(2, 12):
        fill(grid, good, f"r{number}")
    gateway = MemoryGateway(grid)
    seen = look(gateway, ["good", "good__*__merge", "good/index"], None, Filters())
    assert len(seen.rows) == 33
    assert gateway.services.calls.total() == 4


def test_without_a_name_the_error_says_what_to_give(prodsys, good):
    assert prodsys("status").exit_code == 2
    result = prodsys("status", "--file", good)
    assert result.exit_code == 2
    assert "--run" in result.stderr
