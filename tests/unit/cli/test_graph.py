"""``dirac-prodsys graph`` draws the arrows of the plan."""

from __future__ import annotations

from xml.etree import ElementTree

import pydot

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
