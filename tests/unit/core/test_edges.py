"""Which task comes before which, told from the plan alone."""

from __future__ import annotations

from pathlib import Path

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.edges import Edge, Place, edges, looked_at
from dirac_prodsys.core.plan import compile

GOOD = Path(__file__).parents[2] / "productions" / "good"


def edges_of(name: str, *changes: tuple[str, str]) -> list[Edge]:
    text = (GOOD / f"{name}.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    production = load_production(text, f"{name}.yaml")
    return list(edges(production, compile(production, run="r")))


def test_all_of_it_exists_before_anything_starts_and_a_child_waits_for_its_parents() -> None:
    found = edges_of("diamond")
    steps = {edge.before.whose for edge in found if edge.after == Place("created")}
    assert {edge.after.whose for edge in found if edge.before == Place("created")} == steps
    assert {edge.after.whose for edge in found if edge.before == Place("registered")} == steps
    between = {
        (edge.before.whose, edge.after.whose)
        for edge in found
        if (edge.before.part, edge.after.part) == ("create", "create")
    }
    for parent, child in between:
        assert Edge(Place("complete", parent), Place("wait", child)) in found
    assert {child for _, child in between} < steps
    assert len(found) == len(set(found))


def test_a_production_that_is_not_registered_has_no_edge_to_it() -> None:
    found = edges_of("diamond", ("vo: sim", "vo: sim, registry: false"))
    assert not [edge for edge in found if edge.before == Place("registered")]


def test_a_step_that_starts_at_a_share_is_ready_by_the_work_of_each_parent() -> None:
    text = (GOOD / "loop.yaml").read_text()
    text = text.replace("    type: Training\n", "    type: Training\n    start: {at: 10%}\n")
    production = load_production(text, "loop.yaml")
    plan = compile(production, run="r")
    first = plan.step("train.1")
    assert looked_at(production, first) == ("simulate",)
    assert looked_at(production, plan.step("test.1")) == ()
    ready = Place("ready", "train.1", "simulate")
    assert [each for each in edges(production, plan) if ready in each] == [
        Edge(Place("start", "simulate"), ready)
    ]


def test_a_loop_stands_between_its_passes_and_before_who_takes_its_files() -> None:
    found = edges_of("loop")
    assert Edge(Place("all", "test.2"), Place("check", "tune", 2)) in found
    assert Edge(Place("pass", "tune", 2), Place("create", "train.2")) in found
    assert not [edge for edge in found if edge.before == Place("pass", "tune", 1)]
    outside = {edge.after for edge in found if edge.before == Place("done", "tune")}
    assert outside == {Place(part, "apply") for part in ("begin", "create", "wait")}
    created = {edge.before.whose for edge in found if edge.after == Place("created")}
    assert created == {"simulate", "train.1", "test.1"}
    registered = {edge.after.whose for edge in found if edge.after.part == "register"}
    assert registered == {"train.2", "test.2", "train.3", "test.3", "apply"}
    assert Edge(Place("complete", "train.3"), Place("wait", "apply")) not in found


def test_who_names_a_step_of_a_loop_under_after_only_begins_after_it() -> None:
    job = "    job: {type: script, executable: apply}"
    takes = f"    input: {{from: train}}\n{job}"
    follows = f"    input: {{from: simulate}}\n    after: [train]\n{job}"
    found = edges_of("loop", (takes, follows))
    assert [edge for edge in found if edge.before == Place("done", "tune")] == [
        Edge(Place("done", "tune"), Place("begin", "apply"))
    ]
    assert Edge(Place("create", "apply"), Place("created")) in found


def test_a_production_with_an_approval_asks_before_its_roots_are_created() -> None:
    found = edges_of("conduct")
    asked = {edge.after for edge in found if edge.before == Place("asked")}
    roots = {edge.after.whose for edge in found} - {
        edge.after.whose
        for edge in found
        if (edge.before.part, edge.after.part) == ("create", "create")
    }
    assert asked == {Place("create", root) for root in roots if root}
