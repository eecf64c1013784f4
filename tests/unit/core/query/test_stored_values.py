"""The query that gets the answer, against brute force over what columns keep."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.query import stored_values
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.stored_values import as_meant, as_stored, cannot_match, same
from dirac_prodsys.errors import MetaQueryError

TYPES = {"f": "float"}

law = settings(max_examples=70, deadline=None, derandomize=True)

#: with at most six decimals, as the ends of ranges must have
numbers = st.one_of(
    st.sampled_from([0, 1, 20, 52.374, 0.1, 0.7, -0.7, 12.5, 0.000001, 16777217, -52.374]),
    st.integers(-(10**7), 10**7).map(lambda n: n / 10**6),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
)
lists = st.lists(numbers, min_size=1, max_size=4)
SIGNS = ("<", "<=", ">", ">=")
conditions = st.one_of(
    numbers.map(lambda n: {"=": n}),
    lists.map(lambda some: {"in": some}),
    lists.map(lambda some: {"nin": some}),
    st.builds(lambda sign, n: {sign: n}, st.sampled_from(SIGNS), numbers),
    st.builds(
        lambda low, a, high, b, some: {low: min(a, b), high: round(max(a, b) + 1, 6), "nin": some},
        st.sampled_from((">", ">=")),
        numbers,
        st.sampled_from(("<", "<=")),
        numbers,
        lists,
    ),
)


def kept(number: float) -> float:
    """What a FLOAT keeps, written anew."""
    return struct.unpack(">f", struct.pack(">f", number))[0]  # type: ignore[no-any-return]


def named(condition: dict[str, Any]) -> list[float]:
    return [
        n for value in condition.values() for n in (value if isinstance(value, list) else [value])
    ]


def found(query: MetaQuery, stored: float) -> bool:
    """What DIRAC and the database find of one stored number by the form that is sent."""
    form = query.to_dirac()["f"]
    if form == "Any":
        return True
    for sign, operand in form.items():
        if sign in SIGNS:  # a bare float is printed with six decimals
            end = float(f"{operand:f}") if isinstance(operand, float) else float(operand)
            holds = {"<": stored < end, "<=": stored <= end, ">": stored > end}
            if not holds.get(sign, stored >= end):
                return False
        else:
            values = operand if isinstance(operand, list) else [float(f"{operand:f}")]
            if (stored in map(float, values)) != (sign in ("=", "in")):
                return False
    return True


@law
@given(conditions, st.lists(numbers, max_size=5))
def test_of_numbers_that_were_written_those_are_found_that_are_meant(
    condition: dict[str, Any], others: list[float]
) -> None:
    meant = MetaQuery.parse({"f": condition})
    try:
        sent = as_stored(meant, TYPES)
    except MetaQueryError:  # no number of 24 bits lies between its ends
        assert not any(meant.matches({"f": kept(n)}) for n in [*named(condition), *others])
        return
    ends = {kept(n): n for n in named(condition)}
    for number in {*named(condition), *others}:
        if ends.get(kept(number), number) == number:  # else 24 bits do not tell the two apart
            assert found(sent, kept(number)) == meant.matches({"f": number}), number


@law
@given(conditions)
def test_what_is_sent_stays_as_it_is_when_it_is_sent_again_and_read_back(
    condition: dict[str, Any],
) -> None:
    try:
        sent = as_stored(MetaQuery.parse({"f": condition}), TYPES)
    except MetaQueryError:
        return
    assert MetaQuery.from_dirac(sent.to_dirac()) == sent
    assert as_stored(sent, TYPES) == sent
    meant = as_meant(sent, TYPES)
    for number in named(condition):
        assert found(as_stored(meant, TYPES), kept(number)) == found(sent, kept(number))


@law
@given(st.dictionaries(st.sampled_from("gh"), conditions, min_size=1))
def test_a_query_that_needs_no_change_is_sent_as_it_is(form: dict[str, Any]) -> None:
    query = MetaQuery.parse(form)
    assert as_stored(query, {"g": "double", "h": "VARCHAR(128)"}) == query
    exact = MetaQuery.parse({"f": {">=": 20, "<": 52.5, "!=": 40.25}})
    assert as_stored(exact, TYPES).to_dirac() == exact.to_dirac()


def digits(number: float) -> int:
    """How many digits a number has without zeros at its ends."""
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


@law
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(999999986991104.0)
def test_the_shortest_number_is_kept_as_the_same(stored: float) -> None:
    short = stored_values.shortest(stored)
    assert kept(short) == stored
    assert digits(short) <= digits(stored)


def test_the_number_as_it_was_written_stands_beside_what_was_kept_of_it() -> None:
    query = MetaQuery.parse({"f": [20, 52.374], "g": 52.374})
    assert as_stored(query, TYPES).to_dirac() == {
        "f": {"in": [20, 52.374, 52.374000549316406]},
        "g": {"=": 52.374},
    }
    assert as_meant(as_stored(query, TYPES), TYPES) == query


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        (1.5, "int", "no whole number"),
        ("1.5", "INT", "no whole number"),
        (2**31, "int", "too big"),
        ("one", "int", "text, which the database takes for 0"),
        ("nan", "float", "text, which the database takes for 0"),
        ("52.374", "float", ""),
        (1e39, "float", "too big"),
        (1e39, "double", ""),
        (52.374, "VARCHAR(128)", ""),
        (-(2**31), "int", ""),
        (1.5, "unheard of", ""),
    ],
)
def test_a_value_that_no_file_can_have_is_reported(value: Any, kind: str, why: str) -> None:
    assert cannot_match(value, kind) == why
    query = MetaQuery.parse({"f": {"nin": [value, 7]}})
    if why:
        with pytest.raises(MetaQueryError, match=f"^f: .* is {why}, and the field is {kind}"):
            as_stored(query, {"f": kind})
    else:
        as_stored(query, {"f": kind})


@pytest.mark.parametrize(
    ("asked", "answered", "kind", "equal"),
    [
        (52.3741234, 52.3741, "float", True),
        (52.375, 52.374, "float", False),
        (1234567.5, 1234570.0, "float", True),
        ("1.10", "1.1", "VARCHAR(128)", False),
        (20, "20", "VARCHAR(128)", True),
        ("Full", "FULL", "VARCHAR(128)", False),
        (0, 0, "int", True),
        ("2026-03-01", "2026-03-01 00:00:00", "date", True),
        ("2026-03-01 12:30", "2026-03-01T12:30:00", "date", True),
        ("2026-03-01", "2026-03-02 00:00:00", "date", False),
    ],
)
def test_an_answer_is_what_was_set_or_it_is_not(
    asked: Any, answered: Any, kind: str, equal: bool
) -> None:
    assert same(asked, answered, kind) is equal


def test_a_number_that_needs_more_than_six_decimals_is_sent_whole() -> None:
    """DIRAC prints a bare float with six, and a list as it is."""
    for form in ({"=": 0.0009765625}, {"!=": 52.3741234}):
        (sent,) = MetaQuery.parse({"f": form}).to_dirac().values()
        assert [*sent.values()] == [[*form.values()]]


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-02-29", "2026-13-01", "2026-01-00", "2026-01-01 24:00", "20260101"]
)
def test_what_is_no_date_is_reported(text: str) -> None:
    assert stored_values.misfit(text, "date") == "no date"
    assert stored_values.misfit("2028-02-29", "DATETIME") == ""
