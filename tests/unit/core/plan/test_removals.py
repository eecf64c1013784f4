"""Removals: what is refused, and what is ordered or bounded as it must be and passes."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.removals import unbounded
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.core.writing import make, output, step


def removal(*parents: str, operation: str = "RemoveFile", **more: Any) -> dict[str, Any]:
    """A step that removes the files of others, or what ``input`` says."""
    place = {} if operation == "RemoveFile" else {"TargetSE": more.pop("at", "DISK-A-SE")}
    job = {"type": "request", "operations": [{"type": operation, **place}]}
    source = {"input": {"from": list(parents)}} if parents else {}
    return {"type": "Removal", "job": job, **source, **more}


def copying(parent: str, **places: Any) -> dict[str, Any]:
    return {"type": "Replication", "input": {"from": parent}, "plugin_parameters": places}


def codes(**steps: dict[str, Any]) -> set[str]:
    """The mistakes of a production of these steps."""
    try:
        make(**steps)
    except DefinitionErrors as errors:
        return {error.code for error in errors.errors}
    return set()


MADE = step("MCSimulation", output=output("a"))
WITH_DATASET = {**MADE, "dataset": {"name": "/sim/datasets/d"}}


@pytest.mark.parametrize(
    "form",
    [
        {"a": "Any"},
        {"a": "Missing"},
        {"a": {"!=": 1}, "b": {"nin": ["x", "y"]}},
        {"a": {">": 5}},
        {"a": {"<=": 5}, "b": "Any"},
        {"a": {"<": "m"}},
        {"a": {">": 5, "!=": 7}},
        {},
    ],
)
def test_a_query_without_a_value_a_list_and_two_ends_is_unbounded(form: dict[str, Any]) -> None:
    assert unbounded(MetaQuery.parse(form))
    assert not unbounded(MetaQuery.parse({**form, "run": "r1"}))


@pytest.mark.parametrize(
    "form", [{"a": 1}, {"a": [1, 2]}, {"a": {">": 1, "<": 5}}, {"a": {">=": "a", "<": "b"}}]
)
def test_values_lists_and_ranges_with_two_ends_bound(form: dict[str, Any]) -> None:
    assert not unbounded(MetaQuery.parse(form))


@pytest.mark.parametrize("operation", ["RemoveFile", "RemoveReplica", "PhysicalRemoval"])
def test_a_removal_without_a_bound_is_an_error_unless_it_is_confirmed(operation: str) -> None:
    wide = removal(operation=operation, input={"where": {"a": "Any"}})
    assert codes(r=wide) == {"removal-unbounded"}
    assert codes(r={**wide, "confirm": True}) == set()
    assert codes(r=removal(operation=operation, input={"where": {"a": 1}})) == set()


def test_files_that_another_step_takes_are_not_removed_beside_it() -> None:
    assert codes(a=MADE, b=step("Merging", "a"), r=removal("a")) == {"removed-while-read"}
    listed = removal(input={"lfns": ["/sim/p/a/one.dat"]})
    assert codes(a=MADE, b=step("Merging", "a"), r=listed) == {"eats-output"}


def test_files_are_removed_after_all_that_take_them() -> None:
    reader = step("Merging", "a")
    assert codes(a=MADE, b=reader, r=removal("a", after="b")) == set()
    later = {**step("Merging", "b"), "output": output("c")}
    reader = {**reader, "output": output("b")}
    assert codes(a=MADE, b=reader, c=later, r=removal("a", after="c")) == set()
    assert codes(a=MADE, r=removal("a")) == set()


def test_waiting_for_the_dataset_of_a_reader_is_an_order_too() -> None:
    dataset = {"name": "/sim/datasets/b"}
    reader = {**step("Merging", "a"), "output": output("b"), "dataset": dataset}
    waiting = removal("a", wait_for=[{"dataset": "/sim/datasets/b"}])
    assert codes(a=MADE, b=reader, r=waiting) == set()
    other = removal("a", wait_for=[{"dataset": "/sim/datasets/other"}])
    assert codes(a=MADE, b=reader, r=other) == {"removed-while-read"}


def test_files_of_other_steps_and_of_unrelated_queries_are_not_meant() -> None:
    other = step("MCSimulation", output=output("z"))
    elsewhere = {**step("Merging", "z"), "output": output("b")}
    assert codes(a=MADE, z=other, b=elsewhere, r=removal("a")) == set()
    unrelated = step("Merging", input={"where": {"campaign": "old"}})
    assert codes(a=MADE, b=unrelated, r=removal("a")) == set()
    same = removal(input={"where": {"campaign": "old", "site": "x"}})
    assert codes(b=unrelated, r=same) == {"removed-while-read"}


@pytest.mark.parametrize("after", [[], ["b"]])
def test_a_dataset_of_files_that_are_removed_is_refused_in_any_order(after: list[str]) -> None:
    gone = removal("a", after=after)
    steps = {"a": WITH_DATASET, "b": step("Merging", "a"), "r": gone}
    assert "removes-dataset" in codes(**steps)
    by_name = removal(input={"dataset": "/sim/datasets/d"})
    assert "removes-dataset" in codes(a=WITH_DATASET, r=by_name)


def test_a_dataset_of_other_files_is_no_reason() -> None:
    merged = {**step("Merging", "a"), "output": output("b"), "dataset": {"name": "/sim/d/b"}}
    assert codes(a=MADE, b=merged, r=removal("a", after="b")) == set()
    narrowed = {**MADE, "dataset": {"name": "/sim/datasets/d", "where": {"good": 1}}}
    rest = removal(input={"from": "a", "where": {"good": 0}})
    assert codes(a=narrowed, r=rest) == set()
    old = removal(input={"dataset": "/sim/datasets/of_last_year"})
    assert codes(a=WITH_DATASET, r=old) == set()
    replicas = removal("a", operation="RemoveReplica")
    assert codes(a=WITH_DATASET, r=replicas) == set()


@pytest.mark.parametrize(
    ("sources", "targets", "wrong"),
    [
        (["A", "B"], ["B", "C"], True),
        (["A"], ["A"], True),
        ("A", "A", True),
        (["A", "B"], ["C"], False),
    ],
)
def test_a_moving_removes_nothing_from_where_it_copies_to(
    sources: Any, targets: Any, wrong: bool
) -> None:
    places = {"SourceSE": sources, "TargetSE": targets}
    moving = {"type": "Moving", "input": {"where": {"x": 1}}, "plugin_parameters": places}
    assert codes(m=moving) == ({"removes-copies"} if wrong else set())


def test_a_replication_among_the_same_places_is_no_move() -> None:
    both = {"SourceSE": ["A", "B"], "TargetSE": ["A", "B"]}
    assert codes(a=MADE, c=copying("a", **both)) == set()
    assert codes(a=MADE, c=copying("a", SourceSE="A", TargetSE="A")) == {"removes-copies"}


def test_copies_are_not_removed_before_anybody_has_used_them() -> None:
    gone = removal("c", operation="RemoveReplica", at="B-SE")
    copies = copying("a", TargetSE="B-SE")
    assert codes(a=MADE, c=copies, r=gone) == {"removes-copies"}
    assert codes(a=MADE, c=copies, b=step("Merging", "c"), r={**gone, "after": "b"}) == set()
    asked = {**gone, "approval": {"subject": "Are they used?"}}
    assert codes(a=MADE, c=copies, r=asked) == set()
    source = removal("c", operation="RemoveReplica", at="DISK-A-SE")
    assert codes(a=MADE, c=copies, r=source) == set()


def test_a_copy_and_a_removal_at_the_same_place_do_not_run_side_by_side() -> None:
    here = {"input": {"where": {"x": 1}}}
    copies = {"type": "Replication", **here, "plugin_parameters": {"TargetSE": "B-SE"}}
    gone = {**removal(operation="RemoveReplica", at="B-SE"), **here}
    assert codes(c=copies, r=gone) == {"removes-copies"}
    assert codes(c={**copies, "after": "r"}, r=gone) == set()
    assert codes(c=copies, r={**gone, "input": {"where": {"x": 2}}}) == set()


def test_files_are_moved_on_by_a_second_moving() -> None:
    first = {
        "type": "Moving",
        "input": {"where": {"x": 1}},
        "plugin_parameters": {"SourceSE": "A-SE", "TargetSE": "B-SE"},
    }
    places = {"SourceSE": "B-SE", "TargetSE": "C-SE"}
    then = {**first, "plugin_parameters": places, "after": "m.remove"}
    assert codes(m=first, n=then) == set()
    assert codes(m=first, n={**first, "plugin_parameters": places}) == {"removes-copies"}
