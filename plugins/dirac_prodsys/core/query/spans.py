"""Excludes queries whose values of a field lie too far apart to match, without checking each pair.

A thousand steps that take a range each are half a million pairs, and nearly all lie apart.

Invariant: an excluded pair cannot match; others may or may not. The ends of a list are its least
and greatest value, and it does not matter whether an end belongs to a range.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from dirac_prodsys.core.query.condition import Missing, OneOf, Range
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.value import order_key

#: in the order of ``order_key``: before all numbers, between numbers and texts, after all texts
_FIRST, _BETWEEN, _LAST = (-1,), (1,), (2,)

_End = tuple[object, ...]


class Spans:
    """Queries by the ends of their conditions on a field.

    :param queries: name → query.
    """

    def __init__(self, queries: Mapping[str, MetaQuery]) -> None:
        self._queries = queries
        self._ends: dict[str, list[tuple[_End, _End, str]]] = {}

    def apart(self, query: MetaQuery) -> set[str]:
        """Return the names of queries that cannot match this one because of some range."""
        found: set[str] = set()
        for field, condition in query.conditions.items():
            # lists are compared value by value elsewhere (``outputs.Candidates``)
            ranged = isinstance(condition, Range) or field in self._ranged
            if ranged and field in self._wanted:
                low, high = (_FIRST, _FIRST) if isinstance(condition, Missing) else _ends(condition)
                ends = self._ends_of(field)
                found |= {name for least, most, name in ends if most < low or high < least}
        return found

    @cached_property
    def _wanted(self) -> dict[str, list[tuple[str, OneOf | Range]]]:
        found: dict[str, list[tuple[str, OneOf | Range]]] = {}
        for name, query in self._queries.items():
            for field, condition in query.conditions.items():
                if not isinstance(condition, Missing):
                    found.setdefault(field, []).append((name, condition))
        return found

    @cached_property
    def _ranged(self) -> set[str]:
        """Return the fields for which some query has a range."""
        conditions = (one for query in self._queries.values() for one in query.conditions.items())
        return {field for field, condition in conditions if isinstance(condition, Range)}

    def _ends_of(self, field: str) -> list[tuple[_End, _End, str]]:
        if field not in self._ends:
            self._ends[field] = [(*_ends(wanted), name) for name, wanted in self._wanted[field]]
        return self._ends[field]


def _ends(condition: OneOf | Range) -> tuple[_End, _End]:
    if isinstance(condition, OneOf):
        keys = [order_key(value) for value in condition.values]
        return min(keys), max(keys)
    low, high = condition.low, condition.high
    if low is None:
        return _FIRST, _LAST if high is None else order_key(high.value)
    if high is not None:
        return order_key(low.value), order_key(high.value)
    return order_key(low.value), _LAST if isinstance(low.value, str) else _BETWEEN
