"""The laws of the algebra, checked against brute force over a small domain.

The domain holds every value that a condition may name, one between each two neighbours and one
beyond each end, text and numbers, and "missing": two conditions select the same of it exactly when
they select the same of everything. Files are compared by :func:`spelled`, written anew here: the
catalogue's database compares text without regard to case and accents.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.query import condition as meta_condition
from dirac_prodsys.core.query.condition import Condition
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery, join
from dirac_prodsys.errors import MetaQueryError

#: field → numbers and texts that conditions name
NAMED: dict[str, tuple[list[Any], list[Any]]] = {
    "f": ([0, 1, 1.0, 1.5, 2], ["a", "A", "b", "é", "E"]),
    "g": ([0, 1], ["a", "Á"]),
}
#: field → values that files have
DOMAIN: dict[str, list[Any]] = {
    "f": [None, -1, 0, 0.5, 1, 1.25, 1.5, 1.75, 2, 3, "!", "9", "ab", "bc", *"AaBeEÉèF"],
    "g": [None, -1, 0, 0.5, 1, 2, "!", "à", "b"],
}
RANGES = [("<",), ("<=",), (">",), (">=",), (">", "<="), (">=", "<")]

law = settings(max_examples=70, deadline=None, derandomize=True)


def forms(field: str) -> st.SearchStrategy[Any]:
    """All forms of a condition on a field."""
    numbers, texts = NAMED[field]
    some = st.lists(st.sampled_from([*numbers, *texts]), min_size=1, max_size=4)
    bounds = [
        st.fixed_dictionaries(dict.fromkeys(names, st.sampled_from(kind)), optional={"nin": some})
        for kind in (numbers, texts)
        for names in RANGES
    ]
    return st.one_of(
        some.map(lambda values: values[0]),
        some,
        some.map(lambda values: {"nin": values}),
        st.sampled_from(["Any", "Missing"]),
        *bounds,
    )


def parsed(form: dict[str, Any]) -> MetaQuery:
    """The query of those conditions that some value fulfils."""
    query = MetaQuery()
    for field, condition in form.items():
        with suppress(MetaQueryError):
            query = query.refine(MetaQuery.parse({field: condition}))
    return query


queries = st.fixed_dictionaries({}, optional={f: forms(f) for f in NAMED}).map(parsed)


def spelled(text: str) -> str:
    """A text of the domain in the one spelling that stands for all that the database equates."""
    return text.upper().translate(str.maketrans("ÁÀÉÈ", "AAEE"))


def selected(query: MetaQuery) -> set[tuple[int, int]]:
    """The files of the domain that a query selects, by brute force."""
    return {
        (i, j)
        for (i, f), (j, g) in product(enumerate(DOMAIN["f"]), enumerate(DOMAIN["g"]))
        if query.matches({"f": f, "g": g})
    }


def all_conditions() -> dict[frozenset[int], Condition]:
    """Every condition on ``f`` that its values give by the forms, by what it selects."""
    numbers, texts = NAMED["f"]
    named = [*numbers, *texts]
    written: list[Any] = ["Any", "Missing", *named]
    written += [
        {operator: list(pair)} for operator in ("in", "nin") for pair in product(named, named)
    ]
    for kind in (numbers, texts):
        for names in RANGES:
            for bounds in product(kind, repeat=len(names)):
                form = dict(zip(names, bounds, strict=True))
                written += [form, *({**form, "!=": value} for value in kind)]
    found: dict[frozenset[int], Condition] = {}
    for form in written:
        with suppress(MetaQueryError):
            condition = meta_condition.parse(form)
            selects = frozenset(
                i for i, v in enumerate(DOMAIN["f"]) if meta_condition.matches(condition, v)
            )
            assert found.setdefault(selects, condition) == condition, form
    return found


def test_every_two_conditions_meet_in_the_one_that_selects_what_both_select() -> None:
    conditions = all_conditions()
    assert len(conditions) > 100
    for (left, a), (right, b) in product(conditions.items(), repeat=2):
        meet = meta_condition.both(a, b)
        if meet is None:
            assert not left & right, (a, b)
        else:
            selects = frozenset(
                i for i, v in enumerate(DOMAIN["f"]) if meta_condition.matches(meet, v)
            )
            assert selects == left & right, (a, b)
            assert conditions.get(selects, meet) == meet, (a, b)


def refined(left: MetaQuery, right: MetaQuery) -> MetaQuery | None:
    try:
        return left.refine(right)
    except EmptyIntersection:
        return None


@law
@given(queries, queries)
def test_refine_selects_exactly_what_both_select(a: MetaQuery, b: MetaQuery) -> None:
    both = refined(a, b)
    assert (set() if both is None else selected(both)) == selected(a) & selected(b)


@law
@given(queries, queries)
def test_queries_intersect_exactly_when_some_file_matches_both(a: MetaQuery, b: MetaQuery) -> None:
    assert a.intersects(b) == bool(selected(a) & selected(b))


@law
@given(queries, queries)
def test_a_query_subsumes_another_exactly_when_it_selects_all_of_it(
    a: MetaQuery, b: MetaQuery
) -> None:
    assert a.subsumes(b) == (selected(a) >= selected(b))


@law
@given(queries, queries)
def test_queries_are_equal_exactly_when_they_select_the_same(a: MetaQuery, b: MetaQuery) -> None:
    assert (a == b) == (selected(a) == selected(b))
    if a == b:
        assert hash(a) == hash(b)
        assert spelled(repr(a.to_dirac())) == spelled(repr(b.to_dirac()))


@law
@given(queries)
def test_a_file_is_selected_however_its_values_are_spelled(a: MetaQuery) -> None:
    for f, g in product(DOMAIN["f"], DOMAIN["g"]):
        other = {"f": f.swapcase() if isinstance(f, str) else f, "g": g}
        assert a.matches({"f": f, "g": g}) == a.matches(other)


def test_what_is_sent_keeps_the_spelling_of_its_author() -> None:
    form = {"f": {"in": ["Full", "b"]}, "g": {"=": "É"}}
    assert MetaQuery.parse(form).to_dirac() == {"f": {"in": ["b", "Full"]}, "g": {"=": "É"}}


@law
@given(queries)
def test_diracs_form_read_back_is_the_same_query(a: MetaQuery) -> None:
    assert MetaQuery.from_dirac(a.to_dirac()) == a
    assert repr(MetaQuery.from_dirac(a.to_dirac()).to_dirac()) == repr(a.to_dirac())


@law
@given(queries)
def test_every_query_selects_something(a: MetaQuery) -> None:
    assert selected(a)


@law
@given(queries, queries, queries)
def test_refine_is_commutative_associative_and_idempotent(
    a: MetaQuery, b: MetaQuery, c: MetaQuery
) -> None:
    assert refined(a, a) == a
    assert refined(a, MetaQuery()) == a
    assert refined(a, b) == refined(b, a)
    ab, bc = refined(a, b), refined(b, c)
    assert (ab and refined(ab, c)) == (bc and refined(a, bc))


@law
@given(queries, queries, queries)
def test_subsumes_is_a_partial_order(a: MetaQuery, b: MetaQuery, c: MetaQuery) -> None:
    assert a.subsumes(a)
    if a.subsumes(b) and b.subsumes(a):
        assert a == b
    if a.subsumes(b) and b.subsumes(c):
        assert a.subsumes(c)


values = st.fixed_dictionaries(
    {f: st.sampled_from(n + t) | st.just([*n, *t]) for f, (n, t) in NAMED.items()}
)


@law
@given(st.lists(queries | values.map(parsed), min_size=1, max_size=3))
def test_a_join_selects_exactly_what_its_parts_select(parts: list[MetaQuery]) -> None:
    try:
        joined = join(parts)
    except MetaQueryError:
        return
    assert selected(joined) == set().union(*(selected(part) for part in parts))
