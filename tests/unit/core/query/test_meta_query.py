"""The forms in which a meta query may be written, and the traps of DIRAC's that it avoids."""

from __future__ import annotations

import pickle

import pytest
from pydantic import BaseModel

from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery, dirac_accepts, join
from dirac_prodsys.errors import MetaQueryError

Q = MetaQuery.parse


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (20, {"=": 20}),
        (20.0, {"=": 20}),
        (0, {"=": 0}),
        (0.0, {"=": 0}),
        (-0.0, {"=": 0}),
        (1.5, {"=": 1.5}),
        ("gamma", {"=": "gamma"}),
        ("20", {"=": "20"}),
        ({"=": 0}, {"=": 0}),
        ([5, 1, 5.0], {"in": [1, 5]}),
        ([1.5, 0], {"in": [0, 1.5]}),
        (["b", 2, "a", 1], {"in": [1, 2, "a", "b"]}),
        (["only"], {"=": "only"}),
        ({"in": 3}, {"=": 3}),
        ({"=": [1, 2]}, {"in": [1, 2]}),
        ({"!=": 3}, {"!=": 3}),
        ({"nin": [3]}, {"!=": 3}),
        ({"nin": [4, 3]}, {"nin": [3, 4]}),
        ({"<": 3, ">=": 1}, {">=": 1, "<": 3}),
        ({">=": 3, "<=": 3.0}, {"=": 3}),
        ({">=": 3, "!=": 3}, {">": 3}),
        ({">": 3, "!=": 2}, {">": 3}),
        ({">": 1, "!=": 2, "nin": [3, 0]}, {">": 1, "nin": [2, 3]}),
        ({"<": "b"}, {"<": "b"}),
        ({">=": "!"}, {">=": "!"}),
        ({"in": [1, 5, 9], ">": 2, "!=": 9}, {"=": 5}),
        ("Any", "Any"),
        ("any", "Any"),
        ("missing", "Missing"),
    ],
)
def test_a_condition_is_sent_in_the_one_form_that_dirac_keeps(
    written: object, sent: object
) -> None:
    query = Q({"field": written})
    assert query.to_dirac() == {"field": sent}
    assert MetaQuery.from_dirac(query.to_dirac()) == query


@pytest.mark.parametrize(
    "condition",
    [
        True,
        None,
        [],
        {},
        [True],
        [None],
        [[1]],
        {"in": []},
        {"nin": []},
        {"=": {"=": 1}},
        {"~": 1},
        {1: 1},
        {"<": [1, 2]},
        {"<": 3, ">": 3},
        {"<": 3, ">": "a"},
        {"=": 1, "!=": 1},
        {"=": "Any"},
        ["Missing", 1],
        "a;;;b",
        "",
        " a",
        "a\nb",
        "a\u200b",
        float("nan"),
        float("inf"),
        2**63,
        {"<": 1e-9},
        {"<": "!"},
    ],
)
def test_what_dirac_would_misread_is_refused_with_the_name_of_the_field(condition: object) -> None:
    with pytest.raises(MetaQueryError) as caught:
        Q({"field": condition})
    assert caught.value.field == "field"
    assert caught.value.reason.startswith("field: ")


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "a;drop", 3, None, "x" * 256])
def test_a_field_must_be_a_name_that_the_catalogue_takes(name: object) -> None:
    with pytest.raises(MetaQueryError, match="metadata field name"):
        Q({name: 1})


def test_numbers_are_compared_as_numbers_and_never_with_text() -> None:
    query = Q({"zenith": 20})
    assert query == Q({"zenith": 20.0})
    assert hash(query) == hash(Q({"zenith": 20.0}))
    assert query.matches({"zenith": 20.0})
    assert not query.matches({"zenith": "20"})
    assert not query.intersects(Q({"zenith": "20"}))
    assert not Q({"zenith": {">": 5}}).matches({"zenith": "20"})


def test_a_missing_field_fulfils_only_missing() -> None:
    for condition in (1, {"!=": 1}, {">": 1}, "Any"):
        assert not Q({"a": condition}).matches({"b": 1})
    assert Q({"a": "Missing"}).matches({"b": 1})
    assert Q({"a": "Missing"}).matches({"a": None})
    assert not Q({"a": "Missing"}).matches({"a": 0})


def test_an_empty_intersection_names_the_field_and_both_conditions() -> None:
    with pytest.raises(EmptyIntersection) as caught:
        Q({"particle": "gamma", "level": 1}).refine(Q({"particle": ["proton", "electron"]}))
    assert caught.value.field == "particle"
    assert caught.value.left == {"=": "gamma"}
    assert caught.value.right == {"in": ["electron", "proton"]}
    assert "gamma" in str(caught.value)
    assert "electron, proton" in str(caught.value)


def test_the_empty_query_selects_everything_and_says_so() -> None:
    assert MetaQuery().is_empty
    assert MetaQuery().matches({"a": 1})
    assert MetaQuery().subsumes(Q({"a": 1}))
    assert not Q({"a": 1}).subsumes(MetaQuery())
    assert str(MetaQuery()) == "everything"


def test_a_query_does_not_change_and_can_travel() -> None:
    query = Q({"a": 1})
    with pytest.raises(AttributeError):
        query.fields = ()  # type: ignore[misc]
    query.to_dirac()["a"]["="] = 2
    assert query == Q({"a": 1})
    assert pickle.loads(pickle.dumps(query)) == query  # noqa: S301


def test_a_query_is_a_field_of_a_model() -> None:
    class Holder(BaseModel):
        query: MetaQuery

    holder = Holder.model_validate({"query": {"b": [2, 1], "a": 0}})
    assert holder.query == Q({"a": 0, "b": [1, 2]})
    assert holder.model_dump(mode="json") == {"query": {"a": {"=": 0}, "b": {"in": [1, 2]}}}
    assert Holder.model_validate_json(holder.model_dump_json()) == holder
    with pytest.raises(ValueError, match="boolean"):
        Holder.model_validate({"query": {"a": True}})


def test_only_keeps_one_field() -> None:
    query = Q({"a": 1, "b": 2})
    assert query.fields == ("a", "b")
    assert query.only("a") == Q({"a": 1})
    assert query.only("c").is_empty


def test_outputs_that_differ_in_one_field_are_joined_exactly() -> None:
    joined = join([Q({"run": 1, "particle": "gamma"}), Q({"run": 1, "particle": ["proton"]})])
    assert joined == Q({"run": 1, "particle": ["gamma", "proton"]})


def test_an_output_within_another_adds_nothing_to_the_join() -> None:
    assert join([Q({"a": 1}), Q({"a": 1, "b": 2}), Q({"a": 1})]) == Q({"a": 1})


@pytest.mark.parametrize(
    "queries",
    [
        [{"a": 1, "b": 1}, {"a": 2, "b": 2}],
        [{"a": 1, "b": 1}, {"a": 2}],
        [{"a": {"<": 3}}, {"a": 7}],
        [{"a": 1}, {"a": "Missing"}],
    ],
)
def test_outputs_that_no_single_query_selects_are_refused(queries: list[dict[str, object]]) -> None:
    with pytest.raises(MetaQueryError, match="no single meta query"):
        join([Q(query) for query in queries])


def test_nothing_cannot_be_joined() -> None:
    with pytest.raises(MetaQueryError):
        join([])


@pytest.mark.parametrize(
    ("child", "parent", "accepted", "reason"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True, ""),
        ({"a": 1}, {"a": [1, 2]}, True, ""),
        ({"a": [1, 2]}, {"a": 1}, True, ""),
        ({"a": [1, 5]}, {"a": [5, 19]}, False, "neither"),
        ({"a": 1, "c": 1}, {"a": 1}, False, "not in the parent"),
        ({"a": {">": 1}}, {"a": 2}, False, "operator >"),
        ({"a": 1}, {"a": {"!=": 2}}, False, "operator !="),
        ({"a": "Any"}, {"a": 2}, False, "neither"),
        ({}, {"a": 2}, False, "input query is empty"),
        ({"a": 2}, {}, False, "parent output query is empty"),
    ],
)
def test_the_answer_of_diracs_own_link_check_is_known(
    child: dict[str, object], parent: dict[str, object], accepted: bool, reason: str
) -> None:
    answer, why = dirac_accepts(Q(child), Q(parent))
    assert answer is accepted
    assert reason in why
