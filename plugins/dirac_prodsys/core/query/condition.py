"""Represents a condition on one metadata field: a set of values, in a form unique for the set.

Invariant: two conditions are equal exactly when they select the same values of the catalogue, so
that "and" and "is part of" are computed, never guessed; of texts that the database treats as equal
one spelling is kept. Every condition except :class:`Missing` requires the field to exist, as
DIRAC's ``MetaQuery.applyQuery`` does, even for ``!=``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from dirac_prodsys.core.query.value import (
    LEAST_STRING,
    Value,
    compared,
    normal,
    order_key,
    same_kind,
    spelling_key,
)
from dirac_prodsys.errors import MetaQueryError

OPERATORS = ("=", "in", "!=", "nin", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Missing:
    """The field does not exist."""

    named: ClassVar[tuple[Value, ...]] = ()

    def to_dirac(self) -> str:
        """Return DIRAC's form."""
        return "Missing"


def distinct(values: Iterable[Value]) -> dict[Value, Value]:
    """Map each value as compared by the database to its spelling; the first spelling is kept."""
    found: dict[Value, Value] = {}
    several = list(values)
    if len(several) > 1:  # most conditions have one value
        several.sort(key=spelling_key)
    for value in several:
        found.setdefault(compared(value), value)
    return found


@dataclass(frozen=True)
class OneOf:
    """The field is one of these values; at least one.

    :param values: as they are spelled.
    :param keys: the same values as the database compares them.
    """

    values: frozenset[Value] = field(compare=False)
    keys: frozenset[Value] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.values) == 1:  # as most conditions have
            object.__setattr__(self, "keys", frozenset(map(compared, self.values)))
            return
        kept = distinct(self.values)
        object.__setattr__(self, "values", frozenset(kept.values()))
        object.__setattr__(self, "keys", frozenset(kept))

    def to_dirac(self) -> dict[str, Any]:
        """Return ``{"=": v}`` or ``{"in": […]}``: the two forms in which DIRAC loses nothing."""
        return {"in": [*self.named]} if self._bare is None else {"=": self._bare}

    @cached_property
    def _bare(self) -> Value | None:
        """Return the only value, if DIRAC sends it unchanged."""
        return self.named[0] if len(self.named) == 1 and _prints(self.named[0]) else None

    @cached_property
    def named(self) -> tuple[Value, ...]:
        """Return the values, sorted."""
        return tuple(sorted(self.values, key=order_key) if len(self.values) > 1 else self.values)


@dataclass(frozen=True)
class Bound:
    """One end of a range.

    :param value: as it is spelled; ``key``: the value as the database compares it.
    """

    value: Value = field(compare=False)
    closed: bool
    key: Value = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", compared(self.value))


@dataclass(frozen=True)
class Range:
    """The field exists, lies between the bounds and is none of ``excluded``.

    Bounds are both strings or both numbers; without bounds, strings and numbers match. A range is
    always infinite: a finite set is a :class:`OneOf`. ``excluded`` lies strictly inside the bounds.
    """

    low: Bound | None = None
    high: Bound | None = None
    excluded: frozenset[Value] = field(default=frozenset(), compare=False)
    excluded_keys: frozenset[Value] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        kept = distinct(self.excluded)
        object.__setattr__(self, "excluded", frozenset(kept.values()))
        object.__setattr__(self, "excluded_keys", frozenset(kept))

    def to_dirac(self) -> dict[str, Any] | str:
        """Return ``"Any"``, or operators, all of which must hold."""
        form: dict[str, Any] = {}
        least = Bound(LEAST_STRING, closed=True)
        if self.low is not None and (self.low != least or self.high is None):
            form[">=" if self.low.closed else ">"] = _operand(self.low.value)
        if self.high is not None:
            form["<=" if self.high.closed else "<"] = _operand(self.high.value)
        if self.excluded:
            excluded = list(self.named)
            bare = len(excluded) == 1 and _prints(excluded[0])
            form["!=" if bare else "nin"] = excluded[0] if bare else excluded
        return form or "Any"

    @cached_property
    def named(self) -> tuple[Value, ...]:
        """Return the excluded values, sorted."""
        return tuple(sorted(self.excluded, key=order_key))


Condition = Missing | OneOf | Range


def matches(condition: Condition, value: Value | None) -> bool:
    """Whether a field with that (normal) value matches the condition; None: it is missing."""
    if value is None or isinstance(condition, Missing):
        return value is None and isinstance(condition, Missing)
    if isinstance(condition, OneOf):
        return compared(value) in condition.keys
    return compared(value) not in condition.excluded_keys and _inside(condition, value)


def both(left: Condition, right: Condition) -> Condition | None:
    """Return the condition that holds exactly if both do; None if no value matches both."""
    if isinstance(left, Missing) or isinstance(right, Missing):
        return left if left == right else None
    if isinstance(left, OneOf):
        if isinstance(right, OneOf) and len(right.values) < len(left.values):
            return both(right, left)  # a long list is asked for each value of the short one
        if isinstance(right, OneOf) and left.keys <= right.keys:
            return left
        kept = frozenset(v for v in left.values if matches(right, v))
        if len(kept) == len(left.values):
            return left  # nothing is left out, so nothing is to be compared anew
        return OneOf(kept) if kept else None
    if isinstance(right, OneOf):
        return both(right, left)
    bounds = [b for b in (left.low, right.low, left.high, right.high) if b is not None]
    if any(not same_kind(bounds[0].value, b.value) for b in bounds):
        return None
    low = _tighter(left.low, right.low, lowest=False)
    high = _tighter(left.high, right.high, lowest=True)
    return between(low, high, left.excluded | right.excluded)


def parse(form: object, *, sent: bool = False) -> Condition:
    """Read a condition in the form of YAML or DIRAC.

    :param form: a value; a list (any of them); ``{operator: operand, …}``; ``Any``; ``Missing``.
    :param sent: whether ``to_dirac`` wrote it, which writes some ends of ranges as text.
    :raises MetaQueryError: it is none of these, or nothing can match it.
    """
    if isinstance(form, str) and form.lower() == "any":
        return Range()
    if isinstance(form, str) and form.lower() == "missing":
        return Missing()
    if isinstance(form, list | tuple):
        return _parse_operation("in", form)
    if not isinstance(form, dict):
        return _parse_operation("=", form)
    if not form:
        raise MetaQueryError("the condition is empty", f"use one of: {' '.join(OPERATORS)}")
    condition: Condition | None = None
    for operator, operand in form.items():
        one = _parse_operation(operator, operand, sent=sent)
        meet = one if condition is None else both(condition, one)
        if meet is None:
            raise MetaQueryError(
                f"no value fulfils {form!r}", "its operators must hold all at once: drop one"
            )
        condition = meet
    assert condition is not None  # noqa: S101  the form is not empty
    return condition


#: kinds of one value, as YAML and DIRAC give it
_PLAIN = (str, int, float)


@lru_cache(maxsize=256, typed=True)  # steps of a production say the same of their files
def _equal(value: Value) -> OneOf:
    return OneOf(frozenset({normal(value)}))


def operands(condition: Condition) -> tuple[Value, ...]:
    """Return all values that a condition compares with."""
    if not isinstance(condition, Range):
        return condition.named
    ends = [bound.value for bound in (condition.low, condition.high) if bound is not None]
    return (*ends, *condition.named)


def _prints(value: Value) -> bool:
    """Whether DIRAC sends the value unchanged: it prints a bare float with six decimals."""
    return not isinstance(value, float) or float(f"{value:f}") == value


def _operand(value: Value) -> Value:
    """Return the end of a range in a form that DIRAC sends unchanged, possibly as text.

    The database reads a number from text, too.
    """
    return value if _prints(value) else repr(value)


def _parse_operation(operator: object, operand: object, *, sent: bool = False) -> Condition:
    if operator not in OPERATORS:
        raise MetaQueryError(f"unknown operator {operator!r}", f"use one of: {' '.join(OPERATORS)}")
    if operator == "=" and isinstance(operand, _PLAIN):
        return _equal(operand)
    if operator in ("=", "in", "!=", "nin"):
        operands = operand if isinstance(operand, list | tuple) else [operand]
        values = frozenset(normal(v) for v in operands)
        if not values:
            raise MetaQueryError(f"the list of {operator!r} is empty", "name at least one value")
        return OneOf(values) if operator in ("=", "in") else Range(excluded=values)
    value = normal(operand)
    if sent and isinstance(value, str) and (number := _number_sent(value)) is not None:
        value = number
    elif not _prints(value):
        raise MetaQueryError(
            f"{value!r} has more than the six decimals with which DIRAC compares", "round it"
        )
    bound = Bound(value, closed=operator in ("<=", ">="))
    low, high = (None, bound) if operator in ("<", "<=") else (bound, None)
    condition = between(low, high, frozenset())
    if condition is None:
        raise MetaQueryError(f"no text is {operator} {value!r}", "take a later text as the bound")
    return condition


def _number_sent(text: str) -> float | None:
    """Return the number that :func:`_operand` wrote as this text; None: it was no number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if repr(number) == text and not _prints(number) else None


def between(low: Bound | None, high: Bound | None, excluded: frozenset[Value]) -> Condition | None:
    """Return the unique form of a range; None if it is empty."""
    keys = distinct(excluded)
    if low is None and high is not None and isinstance(high.value, str):
        low = Bound(LEAST_STRING, closed=True)
    if low is not None and low.closed and low.key in keys:
        low = Bound(low.value, closed=False)
    if high is not None and high.closed and high.key in keys:
        high = Bound(high.value, closed=False)
    if low is not None and high is not None:
        if order_key(low.value) > order_key(high.value):
            return None
        if low.key == high.key:
            return OneOf(frozenset({low.value})) if low.closed and high.closed else None
    shape = Range(low, high)
    return Range(low, high, frozenset(v for v in excluded if _inside(shape, v)))


def _inside(shape: Range, value: Value) -> bool:
    key = compared(value)
    for bound, sign in ((shape.low, 1), (shape.high, -1)):
        if bound is None:
            continue
        if not same_kind(bound.value, value):
            return False
        if key == bound.key:
            if not bound.closed:
                return False
        elif (key > bound.key) != (sign > 0):  # type: ignore[operator]
            return False
    return True


def _tighter(left: Bound | None, right: Bound | None, *, lowest: bool) -> Bound | None:
    if left is None or right is None:
        return left if right is None else right
    if left.key == right.key:
        return left if not left.closed else right
    smaller, larger = sorted((left, right), key=lambda b: order_key(b.value))
    return smaller if lowest else larger
