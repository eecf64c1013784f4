"""Who feeds whom."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.steps.graph import StepGraph, build

DIAMOND = {
    "last": ("left", "right"),
    "right": ("root",),
    "left": ("root", "other"),
    "root": (),
    "other": (),
}


def graph(**parents: tuple[str, ...]) -> tuple[StepGraph | None, list[str]]:
    problems = Problems()
    return build(parents, problems), [problem.reason for problem in problems.found]


def test_parents_come_before_children_and_otherwise_as_written() -> None:
    steps = StepGraph(DIAMOND)
    assert steps.order == ("root", "right", "other", "left", "last")
    assert steps.leaves == ("last",)
    assert steps.parents("left") == ("root", "other")


def test_a_bag_of_chains_has_several_parts() -> None:
    steps = StepGraph({"a": (), "x": (), "b": ("a",), "y": ("x",), "alone": ()})
    assert steps.parts == (("a", "b"), ("x", "y"), ("alone",))
    assert steps.leaves == ("b", "y", "alone")


def test_a_cycle_is_reported_with_its_way() -> None:
    steps, reasons = graph(start=(), b=("start", "d"), c=("b",), d=("c",), end=("d",))
    assert steps is None
    assert reasons == ["these steps wait for each other: b → c → d → b"]


def test_each_knot_is_reported_once() -> None:
    _, reasons = graph(a=("b",), b=("a",), x=("y",), y=("x",), c=("a", "x"))
    assert len(reasons) == 2


def test_a_step_cannot_feed_itself() -> None:
    steps, reasons = graph(a=("a",))
    assert steps is None
    assert reasons == ["step a names itself as its input"]


def test_unknown_and_repeated_parents_are_reported_together() -> None:
    problems = Problems()
    assert build({"simulate": (), "merge": ("simulat", "simulate", "simulate")}, problems) is None
    assert [problem.path[-1] for problem in problems.found] == [0, 2]
    assert "did you mean 'simulate'" in problems.found[0].hint


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7)), min_size=1))
def test_a_graph_is_ordered_or_has_a_cycle(edges: dict[int, set[int]]) -> None:
    names = {str(node) for node in edges}
    parents = {
        str(node): tuple(str(p) for p in sorted(found) if str(p) in names and p != node)
        for node, found in edges.items()
    }
    problems = Problems()
    steps = build(parents, problems)
    if steps is None:
        for problem in problems.found:
            way = problem.reason.removeprefix("these steps wait for each other: ").split(" → ")
            assert way[0] == way[-1]
            assert len(set(way)) == len(way) - 1 >= 2
            for here, there in pairwise(way):
                assert here in parents[there]
    else:
        place = {step: index for index, step in enumerate(steps.order)}
        assert sorted(place) == sorted(parents)
        assert all(place[p] < place[step] for step, found in parents.items() for p in found)
