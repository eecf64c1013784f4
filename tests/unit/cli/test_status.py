"""``dirac-prodsys status`` shows what the grid says; here the in-memory grid."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan import compile as compile_plan
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.protocol import GatewaySettings


@pytest.fixture
def grid(good, tmp_path):
    """A grid that holds run r1 of the good production; returns the options that lead to it."""
    name = f"status-{tmp_path.name}"
    gateway = open_gateway(GatewaySettings(backend="memory", config=name))
    for step in compile_plan(load_production(good.read_text(), str(good)), run="r1").steps:
        gateway.create_transformation(step.transformation)
    return ["--backend", "memory", "--config", name]


def test_a_run_of_a_file_shows_all_its_transformations_in_order(prodsys, good, grid):
    result = prodsys("status", "--file", good, "--run", "r1", "--json", *grid)
    assert result.exit_code == 0
    rows = json.loads(result.stdout)["transformations"]
    assert [row["name"] for row in rows] == [
        "good__r1__simulate",
        "good__r1__merge",
        "good__r1__index",
    ]
    assert {row["status"] for row in rows} == {"New"}


def test_a_name_is_shown_as_a_table(prodsys, grid):
    result = prodsys("status", "good__r1__merge", *grid)
    assert result.exit_code == 0
    assert "good__r1__merge" in result.stdout
    assert "New" in result.stdout
    assert "simulate" not in result.stdout


def test_an_unknown_name_is_exit_code_3_and_shows_nothing(prodsys, grid):
    result = prodsys("status", "good__r1__merge", "good__r2__merge", *grid)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "good__r2__merge" in result.stderr


def test_a_gateway_that_does_not_exist_is_exit_code_3(prodsys):
    result = prodsys("status", "any", "--backend", "nosuch")
    assert result.exit_code == 3
    assert "nosuch" in result.stderr


def test_without_a_name_it_says_what_to_give(prodsys, good):
    assert prodsys("status").exit_code == 2
    result = prodsys("status", "--file", good)
    assert result.exit_code == 2
    assert "--run" in result.stderr
