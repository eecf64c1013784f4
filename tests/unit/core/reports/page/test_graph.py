"""Branches of a matrix: each cell has the steps that belong to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dirac_prodsys.core.reports.page.board import Book
from dirac_prodsys.core.reports.page.definition import Definition, changes, read_definition
from dirac_prodsys.core.reports.page.graph import edges, matrix, nodes
from dirac_prodsys.core.reports.page.rows import GridLook, RunView, run_view
from tests.unit.core.reports.page.story import NOW

AT = NOW.timestamp()
FILE = Path(__file__).parents[4] / "productions" / "good" / "matrix.yaml"


def drawn() -> tuple[RunView, dict[str, Any], Definition]:
    definition = read_definition(FILE.read_text(), FILE.name, "r1", {})
    assert definition is not None
    plan = json.loads(json.dumps(definition.plan.to_dict(), default=str))
    return run_view(Book("matrix", "r1"), None, GridLook(), AT), plan, definition


def test_a_cell_has_its_own_steps_and_those_that_it_shares() -> None:
    run, plan, definition = drawn()
    found = matrix(nodes(run, plan, definition, AT), definition)
    assert found is not None
    assert [axis.name for axis in found.axes] == ["particle", "zenith"]
    cells = {cell.values: cell.steps for cell in found.cells}
    assert len(cells) == 6
    assert cells["gamma", "52.5"] == ("simulate-gamma-52.5", "merge-gamma")
    assert cells["gamma", "-5"] == ("simulate-gamma-m5", "merge-gamma")
    assert ("electron", "52.5") not in cells


def test_branches_know_the_step_as_written() -> None:
    run, plan, definition = drawn()
    by_name = {node.step: node for node in nodes(run, plan, definition, AT)}
    assert by_name["simulate-proton-20"].written == "simulate"
    assert by_name["simulate-proton-20"].branch == {"particle": "proton", "zenith": "20"}
    assert by_name["train"].branch == {}
    assert by_name["simulate-proton-20"].level < by_name["merge-proton"].level
    assert by_name["merge-proton"].level < by_name["train"].level


def test_edges_say_what_separates_the_files_of_their_parent() -> None:
    run, plan, definition = drawn()
    found = {(tie.parent, tie.child): tie for tie in edges(run, plan, definition)}
    tie = found["simulate-gamma-20", "merge-gamma"]
    assert "particle = gamma" in tie.conditions
    assert found["merge-gamma", "train"].streaming is False


def test_a_definition_that_cannot_be_read_costs_only_what_it_alone_knows() -> None:
    assert read_definition("version: 99\n", "x.yaml", "r1", {}) is None
    run, plan, _ = drawn()
    found = nodes(run, plan, None, AT)
    assert len(found) == len(plan["steps"])
    assert matrix(found, None) is None
    assert edges(run, plan, None)


def test_a_difference_shows_lines_of_both() -> None:
    found = [(one.sign, one.text) for one in changes("a\nb\nc", "a\nB\nc")]
    assert ("-", "b") in found
    assert ("+", "B") in found
    assert (" ", "a") in found
