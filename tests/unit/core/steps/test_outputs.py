"""Outputs that a query may match are found as if each were asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.outputs import Candidates

FIELDS = ("a", "b", "c")
VALUES = st.sampled_from([1, 2, 2.5, "x", "X", "y"])
KNOWN = st.dictionaries(st.sampled_from(FIELDS), st.frozensets(VALUES, min_size=1, max_size=2))
CONDITIONS = st.one_of(VALUES, st.lists(VALUES, min_size=1, max_size=3), st.just({">": 1}))


def plain(values):
    """What the catalogue's database compares of these values."""
    return {value.upper() if isinstance(value, str) else value for value in values}


@given(
    st.dictionaries(st.sampled_from("zyxwvu"), KNOWN),
    st.dictionaries(st.sampled_from(FIELDS), CONDITIONS),
)
def test_none_is_left_out_but_by_a_value_and_the_order_is_kept(known, conditions):
    query = MetaQuery.parse(conditions)
    listed = query.listed
    expected = [
        name
        for name, values in known.items()
        if not any(f in values and plain(listed[f]).isdisjoint(plain(values[f])) for f in listed)
    ]
    compared = {
        name: {field: plain(values[field]) for field in values} for name, values in known.items()
    }
    assert Candidates(compared).of(query) == expected
