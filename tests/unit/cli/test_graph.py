"""``dirac-prodsys graph`` draws the arrows of the plan."""

from __future__ import annotations

import pydot


def test_text_has_a_line_per_step_parents_first(prodsys, good):
    assert prodsys("graph", good).stdout.splitlines() == [
        "simulate (MCSimulation)",
        "simulate --> merge (Merging)",
        "merge ==> index (Merging) --> dataset /sim/datasets/good_RUN",
    ]


def test_mermaid_draws_a_start_on_complete_dashed(prodsys, good):
    text = prodsys("graph", good, "--format", "mermaid").stdout
    assert text.startswith("flowchart LR\n")
    assert "s0 --> s1" in text
    assert "s1 -.-> s2" in text


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
