"""Selects files by metadata, as an immutable value with an algebra.

DIRAC's own form of a query loses zeros, breaks on bare floats, bools and lists when it is stored
(``TransformationDB.__addMetaQuery``) and has no "and". This class avoids that: it is parsed from
any form once, and written in the one form that survives.

Invariant: equal queries select the same files; :meth:`MetaQuery.refine` is exactly "and" (its laws
are property tests). Text is compared as in the catalogue's database, without regard to case and
accents, and written as its author spelled it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import chain, product
from types import MappingProxyType
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from dirac_prodsys.core.query import condition as meta_condition
from dirac_prodsys.core.query.condition import Condition, OneOf
from dirac_prodsys.core.query.value import Value, check_field, normal
from dirac_prodsys.errors import MetaQueryError

__all__ = ["EmptyIntersection", "MetaQuery", "dirac_accepts", "join"]

#: key of a validation context in which queries are read by :meth:`MetaQuery.from_dirac`
SENT = "sent"

#: maximum number of combinations of values of one query that :func:`join` looks at
_MOST_COMBINATIONS = 10_000


class EmptyIntersection(MetaQueryError):
    """Two conditions on one field that no file can match together.

    :param left: DIRAC's form of the first condition.
    :param right: DIRAC's form of the second condition.

    ``left_text`` and ``right_text`` are the two in words that differ.
    """

    code = "empty-link"

    def __init__(self, field: str, left: object, right: object) -> None:
        kinds = _kinds(left) != _kinds(right)
        self.left_text, self.right_text = (form_text(form, kinds=kinds) for form in (left, right))
        super().__init__(
            f"no file can match: {field} is {self.left_text} on one side and {self.right_text} on "
            "the other",
            "make the two conditions overlap, or drop one",
            field=field,
        )
        self.left = left
        self.right = right


class MetaQuery:
    """Conditions on metadata fields, all of which must hold.

    The query without conditions selects everything; DIRAC treats it as "no selection", so it is
    refused wherever a selection is needed (see :attr:`is_empty`).
    """

    __slots__ = ("_conditions", "_hash")
    _conditions: dict[str, Condition]
    _hash: int

    def __init__(self, conditions: Mapping[str, Condition] | None = None) -> None:
        ordered = dict(sorted(conditions.items()) if conditions else ())
        object.__setattr__(self, "_conditions", ordered)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a MetaQuery does not change; refine() makes a new one")

    __delattr__ = None  # type: ignore[assignment]

    @classmethod
    def parse(cls, form: Mapping[str, Any] | MetaQuery) -> MetaQuery:
        """Read the forms of YAML and of DIRAC.

        :param form: field → value, list (any of it), ``{operator: operand}``, ``Any``, ``Missing``.
        :raises MetaQueryError: DIRAC would misread it, or nothing can match it; ``field``: where.
        """
        return cls._parse(form)

    @classmethod
    def _parse(cls, form: Mapping[str, Any] | MetaQuery, *, sent: bool = False) -> MetaQuery:
        if isinstance(form, MetaQuery):
            return form
        if not isinstance(form, Mapping):
            raise MetaQueryError(f"{form!r} is not a mapping of metadata fields to conditions")
        return cls({field: parse_condition(field, one, sent=sent) for field, one in form.items()})

    @classmethod
    def from_dirac(cls, form: Mapping[str, Any] | MetaQuery) -> MetaQuery:
        """Read what :meth:`to_dirac` wrote, or the Transformation System or the catalogue sent.

        :raises MetaQueryError: see :meth:`parse`.
        """
        return cls._parse(form, sent=True)

    def to_dirac(self) -> dict[str, Any]:
        """Return the conditions as ``{"=": v}``, ``{"in": […]}``, operators or words; sorted."""
        return {field: condition.to_dirac() for field, condition in self._conditions.items()}

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """Return the condition of each field, sorted."""
        return MappingProxyType(self._conditions)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the metadata fields with a condition, sorted."""
        return tuple(self._conditions)

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition at all, so that everything is selected."""
        return not self._conditions

    @property
    def listed(self) -> dict[str, frozenset[Value]]:
        """Map each field with a list of values to these values."""
        found = self._conditions.items()
        return {field: c.values for field, c in found if isinstance(c, OneOf)}

    @property
    def listed_keys(self) -> dict[str, frozenset[Value]]:
        """Map each field with a list to its values as compared (:func:`.value.compared`)."""
        found = self._conditions.items()
        return {field: c.keys for field, c in found if isinstance(c, OneOf)}

    def only(self, *fields: str) -> MetaQuery:
        """Return the conditions on these fields alone; empty if there is none."""
        return MetaQuery({f: self._conditions[f] for f in fields if f in self._conditions})

    def refine(self, other: MetaQuery) -> MetaQuery:
        """Return the query that a file matches exactly if it matches both.

        :raises EmptyIntersection: no file can.
        """
        if not other._conditions:
            return self
        merged = dict(self._conditions)
        for field, condition in other._conditions.items():
            mine = merged.get(field)
            meet = condition if mine is None else meta_condition.both(mine, condition)
            if meet is None:
                assert mine is not None  # noqa: S101  only two conditions can exclude each other
                raise EmptyIntersection(field, mine.to_dirac(), condition.to_dirac())
            merged[field] = meet
        return MetaQuery(merged)

    def intersects(self, other: MetaQuery) -> bool:
        """Whether some file can match both."""
        try:
            self.refine(other)
        except EmptyIntersection:
            return False
        return True

    def subsumes(self, other: MetaQuery) -> bool:
        """Whether every file that ``other`` selects is selected by this one."""
        return not any(self.narrows(other, field) for field in self._conditions)

    def narrows(self, other: MetaQuery, field: str) -> bool:
        """Whether the condition on this field excludes some of what ``other`` selects by it."""
        mine, theirs = self._conditions.get(field), other._conditions.get(field)
        if mine is None:
            return False
        return theirs is None or meta_condition.both(mine, theirs) != theirs

    def matches(self, metadata: Mapping[str, Any]) -> bool:
        """Whether a file with exactly these metadata is selected.

        :raises MetaQueryError: a catalogue cannot hold one of the values.
        """
        values = {k: None if v is None else normal(v) for k, v in metadata.items()}
        return all(
            meta_condition.matches(condition, values.get(field))
            for field, condition in self._conditions.items()
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetaQuery) and self._conditions == other._conditions

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:  # it is asked for often, and a query may be long
            object.__setattr__(self, "_hash", hash(tuple(self._conditions.items())))
            return self._hash

    def __repr__(self) -> str:
        return f"MetaQuery({self.to_dirac()!r})"

    def __str__(self) -> str:
        return (
            " and ".join(f"{k} {form_text(v)}" for k, v in self.to_dirac().items()) or "everything"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return MetaQuery.from_dirac, (self.to_dirac(),)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            cls._validate,
            json_schema_input_schema=core_schema.dict_schema(core_schema.str_schema()),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda query: query.to_dirac(), return_schema=core_schema.dict_schema()
            ),
        )

    @classmethod
    def _validate(cls, form: Any, info: ValidationInfo) -> MetaQuery:
        try:
            return cls._parse(form, sent=bool(info.context and info.context.get(SENT)))
        except MetaQueryError as error:
            raise ValueError(error.reason) from error


def parse_condition(field: object, form: object, *, sent: bool = False) -> Condition:
    """Read the condition on one field.

    :param sent: whether ``to_dirac`` wrote it.
    :raises MetaQueryError: see :meth:`MetaQuery.parse`.
    """
    name = check_field(field)
    try:
        return meta_condition.parse(form, sent=sent)
    except MetaQueryError as error:
        raise MetaQueryError(f"{name}: {error.reason}", error.hint, field=name) from None


_WORDS = {"=": "", "in": "one of ", "nin": "none of "}


def form_text(form: object, *, kinds: bool = False) -> str:
    """Write a condition in few words: ``20``, ``one of 1, 2``, ``> 5 and <= 9``.

    :param kinds: say of each value whether it is a number or text.
    """
    if not isinstance(form, dict):
        return str(form)
    words = []
    for operator, operand in form.items():
        values = operand if isinstance(operand, list) else [operand]
        text = ", ".join(_with_kind(value) if kinds else str(value) for value in values)
        words.append(_WORDS.get(operator, f"{operator} ") + text)
    return " and ".join(words)


def _with_kind(value: object) -> str:
    return f"text {value!r}" if isinstance(value, str) else f"number {value}"


def _kinds(form: object) -> set[bool]:
    """Say whether a condition has text values, other values, or both."""
    operands = form.values() if isinstance(form, dict) else ()
    lists = (operand if isinstance(operand, list) else [operand] for operand in operands)
    return {isinstance(value, str) for values in lists for value in values}


def join(queries: Iterable[MetaQuery]) -> MetaQuery:
    """Return the query that a file matches exactly if it matches at least one of ``queries``.

    DIRAC's queries have "or" only between the values of one field: the queries may differ in plain
    values only, and must include every combination of the values in which they differ.

    :raises MetaQueryError: they do not, so that no single query expresses exactly this.
    """
    distinct = list(dict.fromkeys(queries))
    kept = distinct if _alike(distinct) else _widest(distinct)
    if not kept:
        raise MetaQueryError("there is no query to join")
    if len(kept) == 1:
        return kept[0]
    names = sorted({field for q in kept for field in q.fields})
    first = kept[0]._conditions
    differing = [f for f in names if any(q._conditions.get(f) != first.get(f) for q in kept)]
    values = [[q._conditions.get(field) for field in differing] for q in kept]
    united: dict[str, set[Value]] = {field: set() for field in differing}
    combinations: set[tuple[Any, ...]] = set()
    for row in values:
        lists = [c for c in row if isinstance(c, OneOf)]
        sets = [c.values for c in lists]
        if len(sets) < len(row) or math.prod(map(len, sets)) > _MOST_COMBINATIONS:
            break
        combinations.update(product(*(c.keys for c in lists)))
        for field, some in zip(differing, sets, strict=True):
            united[field] |= some
    else:
        # each union is made once: it sorts its values
        unions = {field: OneOf(frozenset(values)) for field, values in united.items()}
        if len(combinations) == math.prod(len(union.values) for union in unions.values()):
            return MetaQuery({**kept[0]._conditions, **unions})
    raise MetaQueryError(
        f"no single meta query selects exactly these inputs: {', '.join(differing)} differ",
        "let the parents' output metadata differ in one field only, by plain values, or in every "
        "combination of some fields",
        field=differing[0],
    )


def _alike(queries: list[MetaQuery]) -> bool:
    """Whether all have the same fields with one value each, so that none is part of another."""
    same_fields = len({query.fields for query in queries}) == 1
    return same_fields and all(
        isinstance(condition, OneOf) and len(condition.values) == 1
        for query in queries
        for condition in query._conditions.values()
    )


def _widest(queries: list[MetaQuery]) -> list[MetaQuery]:
    """Return the queries that are part of no other one.

    A query that contains another has all values that the other lists for a field, or no list for
    it: so each is compared only with those that have one of its values, the rarest.
    """
    having: dict[tuple[str, Value], list[int]] = {}
    unlisted: dict[str, list[int]] = {}
    fields = {field for query in queries for field in query.fields}
    for number, query in enumerate(queries):
        keys = query.listed_keys
        for field in fields:
            for key in keys.get(field, ()):
                having.setdefault((field, key), []).append(number)
            if field not in keys:
                unlisted.setdefault(field, []).append(number)

    def holders(query: MetaQuery) -> Iterable[int]:
        places = [(field, next(iter(keys))) for field, keys in query.listed_keys.items()]
        found = [(having[place], unlisted.get(place[0], [])) for place in places]
        if not found:
            return range(len(queries))
        return chain(*min(found, key=lambda lists: len(lists[0]) + len(lists[1])))

    return [
        query
        for number, query in enumerate(queries)
        if not any(other != number and queries[other].subsumes(query) for other in holders(query))
    ]


def dirac_accepts(child: MetaQuery, parent: MetaQuery) -> tuple[bool, str]:
    """Return DIRAC's own verdict on an input query and a parent's output query, and why.

    The rule is that of ``DIRAC/ProductionSystem/Utilities/ProdValidator.py`` (9.1.22), given the
    queries in our stored form. It knows only ``=`` and ``in``, requires every field of the child in
    the parent, and of two lists of values one inside the other. It looks only at the first
    operator.
    """
    if child.is_empty or parent.is_empty:
        return False, f"the {'input' if child.is_empty else 'parent output'} query is empty"
    sets: list[dict[str, set[Any]]] = []
    for query in (child, parent):
        values: dict[str, set[Any]] = {}
        for field, form in query.to_dirac().items():
            operator, operand = next(iter(form.items())) if isinstance(form, dict) else ("=", form)
            if operator not in ("=", "in"):
                return False, f"{field}: operator {operator} is not supported"
            values[field] = set(operand) if isinstance(operand, list) else {operand}
        sets.append(values)
    for field, wanted in sets[0].items():
        if field not in sets[1]:
            return False, f"{field} is not in the parent's output query"
        if not (wanted <= sets[1][field] or sets[1][field] <= wanted):
            return False, f"{field}: neither list of values holds the other"
    return True, "every field of the child is compatible with the parent's"
