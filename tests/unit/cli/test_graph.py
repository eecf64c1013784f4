"""``dirac-prodsys graph`` draws the arrows of the plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import networkx
import pydot
import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.pictures import graphml
from dirac_prodsys.core.pictures.state import FILLS, StepState
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid

SVG = "{http://www.w3.org/2000/svg}"


def test_text_has_a_line_per_step_parents_first(prodsys, good):
    assert prodsys("graph", good).stdout.splitlines() == [
        "simulate (MCSimulation)",
        "simulate --> merge (Merging)",
        "merge ==> index (Merging) --> dataset /sim/datasets/good_RUN",
    ]


def test_mermaid_draws_a_start_on_complete_dashed(prodsys, good):
    text = prodsys("graph", good, "--format", "mermaid").stdout
    assert text.startswith("flowchart LR\n")
    assert 'n0 -->|"' in text
    assert 'n1 -.->|"' in text
    assert "step simulate" in text


def test_dot_is_read_by_a_dot_parser(prodsys, good):

    (graph,) = pydot.graph_from_dot_data(prodsys("graph", good, "--format", "dot").stdout)
    edges = {
        (edge.get_source().strip('"'), edge.get_destination().strip('"'))
        for edge in graph.get_edges()
    }
    assert edges == {
        ("simulate", "merge"),
        ("merge", "index"),
        ("index", "/sim/datasets/good_RUN"),
    }


def test_svg_is_a_document_that_shows_every_step_and_condition(prodsys, good):
    text = prodsys("graph", good, "--format", "svg").stdout
    root = ElementTree.fromstring(text)  # noqa: S314  our own
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"simulate", "merge", "index", "step simulate", "good_RUN"} <= set(words)
    assert text == prodsys("graph", good, "--format", "svg").stdout


def test_text_of_a_user_cannot_break_out_of_a_picture(prodsys, tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text(
        "version: 1\n"
        "production: {name: evil, vo: sim}\n"
        "steps:\n"
        "  a:\n"
        "    type: Merging\n"
        "    input: {where: {site: '\"<script>alert(1)</script>&'}}\n"
        "    job: {type: script, executable: x}\n"
    )
    svg = prodsys("graph", file, "--format", "svg").stdout
    assert "<script" not in svg
    assert ElementTree.fromstring(svg) is not None  # noqa: S314  our own
    assert '"<script' not in prodsys("graph", file, "--format", "mermaid").stdout
    (graph,) = pydot.graph_from_dot_data(prodsys("graph", file, "--format", "dot").stdout)
    assert len(graph.get_edges()) == 1


@pytest.fixture
def options(good: Path, tmp_path: Path) -> Iterator[list[str]]:
    """A grid with run r1: simulate is at work, merge is New, index was not made."""
    name = f"graph-{tmp_path.name}"
    gateway = MemoryGateway(memory.register(name, MemoryGrid()))
    production = load_production(good.read_text(), str(good))
    for step in compile_plan(production, run="r1").steps[:2]:
        record = gateway.create_transformation(step.transformation)
        if step.transformation.tasks:
            gateway.prepare_directories([d.of(record.id) for d in step.transformation.directories])
            gateway.ensure_tasks(record.id, step.transformation.tasks)
            gateway.start_transformation(record.id)
    gateway.grid.advance(300)
    yield ["--run", "r1", "--backend", "memory", "--config", name]
    memory.forget(name)


def test_of_a_run_each_step_has_its_state_and_counts(prodsys, good, options):
    shown = prodsys("graph", good, *options)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        "simulate (MCSimulation) [Active (1), 3/3 tasks, 3 Done]",
        "simulate --> merge (Merging) [New (2), 0/0 files]",
        "merge ==> index (Merging) [not made] --> dataset /sim/datasets/good_r1",
    ]


def test_pictures_of_a_run_say_the_same(prodsys, good, options):
    svg = prodsys("graph", good, "--format", "svg", *options).stdout
    root = ElementTree.fromstring(svg)  # noqa: S314  our own
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {"Active (1)", "3/3 tasks", "3 Done", "New (2)", "not made"} <= words
    fills = [element.get("fill") for element in root.iter(f"{SVG}rect")]
    assert fills[:3] == [FILLS["working"], FILLS["new"], FILLS["none"]]
    mermaid = prodsys("graph", good, "--format", "mermaid", *options).stdout
    assert "Active (1)<br/>3/3 tasks<br/>3 Done" in mermaid
    assert f"style n0 fill:{FILLS['working']}" in mermaid
    (dot,) = pydot.graph_from_dot_data(prodsys("graph", good, "--format", "dot", *options).stdout)
    assert "Active (1)" in dot.get_node('"simulate"')[0].get_label()
    assert FILLS["none"] in dot.get_node('"index"')[0].get("fillcolor")
    boxes = json.loads(prodsys("graph", good, "--json", *options).stdout)["boxes"]
    assert boxes[0]["state"]["done"] == 3
    assert boxes[3]["state"] is None


def test_graphml_of_a_run_has_states_and_is_still_the_production(prodsys, good, options, tmp_path):
    drawn = tmp_path / "drawn.graphml"
    drawn.write_text(prodsys("graph", good, "--format", "graphml", *options).stdout)
    nodes = networkx.read_graphml(drawn).nodes
    assert nodes["simulate"]["state.status"] == "Active"
    assert (nodes["simulate"]["state.done"], nodes["simulate"]["state.tasks.Done"]) == (3, 3)
    assert nodes["index"]["state.status"] == "not made"
    plans = [prodsys("convert", file, "--to", "json").stdout for file in (good, drawn)]
    assert plans[0] == plans[1] != ""
    checked = prodsys("lint", drawn)
    assert "state" not in checked.output
    assert prodsys("graph", good, "--format", "graphml").stdout == (
        prodsys("convert", good, "--to", "graphml").stdout
    )


def test_a_step_with_branches_has_the_sum_of_their_states():
    data = {"steps": {"simulate": {}, "merge": {"input": {"from": "simulate-gamma"}}, "fit": {}}}
    states = {
        "simulate-gamma": StepState("Active", 1, "tasks", 2, 4, {"Done": 2}),
        "simulate-proton": StepState("Completed", 2, "tasks", 4, 4, {"Done": 3, "Failed": 1}),
        "merge": StepState(),
        "fit.1": StepState("Completed", 3, "files", 5, 5),
        "fit.2": StepState("Active", 4, "files", 1, 5),
    }
    nodes = networkx.parse_graphml(graphml.draw(data, states)).nodes
    assert nodes["simulate"]["state.status"] == "Active, Completed"
    assert nodes["simulate"]["state.transformation"] == "1, 2"
    assert (nodes["simulate"]["state.done"], nodes["simulate"]["state.total"]) == (6, 8)
    assert nodes["simulate"]["state.tasks.Done"] == 5
    assert nodes["simulate-gamma"]["state.done"] == 2
    assert "simulate-proton" not in nodes
    assert nodes["fit"]["state.done"] == 6


def test_a_run_that_the_grid_does_not_have_is_refused(prodsys, good, options):
    result = prodsys("graph", good, "--run", "r9", *options[2:])
    assert result.exit_code == 3
    assert "no run r9 of good" in result.stderr
