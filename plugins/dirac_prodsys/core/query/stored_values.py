"""Converts queries to the values that the catalogue's database stores, by the type of their field.

A field of type ``float`` is MySQL's FLOAT: of 52.374 it stores 52.374000549316406, and a comparison
with 52.374 is made with 64 bits, so that ``=`` finds nothing and ``!=`` finds everything
(``DirectoryMetadata.__createMetaSelection``, ``FileMetadata.__createMetaSelection``, 9.1). This
module makes the query that gets the intended answer, and converts it back.

Invariant: of the values in the column, :func:`as_stored` selects those that were written as a value
that the query selects, and no other; a query that needs no change stays the same.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from dirac_prodsys.core.query import condition as meta_condition
from dirac_prodsys.core.query.condition import Bound, Condition, Missing, OneOf, Range
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.value import Value, normal
from dirac_prodsys.errors import MetaQueryError

#: kinds of columns
Kind = Literal["int", "float", "double", "text", "date", "other"]

#: a number in a text field: the database converts it
AS_TEXT = "a number for text"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"([ T](?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(:(?P<second>[0-5]\d))?)?",
    re.ASCII,
)
_INT_LIMIT = 2**31
#: 24 bits hold whole numbers up to this one exactly
_EXACT = 2**24
_WIDTH = 128


@lru_cache(maxsize=64)
def kind_of(defined: str) -> Kind:
    """Return the kind of values that a field holds.

    :param defined: type in the definition: ``int``, ``float``, ``date``, ``VARCHAR(128)`` or
        another type of MySQL (``DirectoryMetadata.addMetadataField``).
    """
    word = defined.lower()
    if word.startswith("int"):
        return "int"
    if word.startswith("float"):
        return "float"
    if word.startswith(("double", "decimal", "real")):
        return "double"
    if word.startswith(("varchar", "string")):
        return "text"
    return "date" if word.startswith(("date", "timestamp")) else "other"


def misfit(value: Value, defined: str) -> str:
    """Say what is wrong with a value for a field of that type; empty if the database stores it.

    :param defined: see :func:`kind_of`.
    """
    kind, number = kind_of(defined), _number(value)
    text = isinstance(value, str)
    if kind == "int":
        if text:
            return "text"
        if isinstance(value, float):
            return "no whole number"
        return "" if isinstance(value, int) and -_INT_LIMIT <= value < _INT_LIMIT else "too big"
    if kind == "float" and number is not None and single(number) is None:
        return "too big"
    if kind in ("float", "double"):
        return "text" if text else ""
    if kind == "text":
        digits = "".join(c for c in defined if c.isdigit())
        width = int(digits) if digits else _WIDTH
        if not text:
            return AS_TEXT
        return f"longer than {width} characters" if len(str(value)) > width else ""
    if kind == "date" and not text:
        return "a number"
    return "no date" if kind == "date" and date(value) is None else ""


def cannot_match(value: Value, defined: str) -> str:
    """Say why no file has this value in a field of that type; empty if some may."""
    kind, number = kind_of(defined), _number(value)
    if kind in ("int", "float", "double") and number is None:
        return "text, which the database takes for 0"
    if kind == "int" and number is not None:
        return misfit(int(number) if number == int(number) else number, defined)
    if kind == "float" and number is not None and single(number) is None:
        return "too big"
    return ""


def single(number: float) -> float | None:
    """Return the number that a FLOAT stores for this one, the nearest of 24 bits; None: too big."""
    try:
        kept: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return None
    return kept


def shortest(kept: float) -> float:
    """Return the number with the fewest digits that a FLOAT stores as this one."""
    candidates = (float(f"{kept:.{digits}g}") for digits in range(1, 10))
    return next((one for one in candidates if single(one) == kept), kept)


def date(value: object) -> str | None:
    """Return the time, to the second, that a value of a date field means; None: it is none.

    :param value: text as the database reads it, or a time with such a text.
    """
    found = _DATE.fullmatch(str(value))
    if found is None:
        return None
    year, month, day = (int(found[part]) for part in ("year", "month", "day"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (year and 1 <= month <= 12 and 1 <= day <= days[month - 1]):
        return None
    at = (found["hour"] or "00", found["minute"] or "00", found["second"] or "00")
    return f"{found['year']}-{found['month']}-{found['day']} {':'.join(at)}"


def same(asked: Value, found: object, defined: str) -> bool:
    """Whether ``found`` is the answer for a field whose value was set to ``asked``.

    The database prints six digits of a FLOAT.
    """
    kind, number = kind_of(defined), _number(asked)
    if kind == "date":
        return date(asked) is not None and date(asked) == date(found)
    there = _number(found) if isinstance(found, str | int | float) else None
    if kind == "text" or number is None or there is None:
        return str(asked) == str(found)
    kept = single(number) if kind == "float" else number
    return kept is not None and (kept == there or f"{kept:.6g}" == f"{there:.6g}")


def as_stored(query: MetaQuery, types: Mapping[str, str]) -> MetaQuery:
    """Return the query that finds in the database what this one means.

    :param types: field → its type; conditions on other fields are not changed.
    :raises MetaQueryError: no file can match, or the database would misread it; ``field``: where.
    """
    changed = {}
    for name, condition in query.conditions.items():
        defined = types.get(name, "")
        if not defined or (kind_of(defined) == "float" and _exact(condition)):
            continue
        try:
            _refuse(condition, defined)
            kept = _in_single(condition) if kind_of(defined) == "float" else condition
        except MetaQueryError as error:
            raise MetaQueryError(f"{name}: {error.reason}", error.hint, field=name) from None
        changed[name] = kept
    return MetaQuery({**query.conditions, **changed}) if changed else query


def as_meant(query: MetaQuery, types: Mapping[str, str]) -> MetaQuery:
    """Return the query that :func:`as_stored` was given, from what was read back."""
    changed = {
        name: _shortened(condition) if kind_of(types.get(name, "")) == "float" else condition
        for name, condition in query.conditions.items()
    }
    return MetaQuery(changed)


def _refuse(condition: Condition, defined: str) -> None:
    """Refuse values that no file can have: the database rounds them, or makes 0 of text."""
    values: list[Value] = []
    if isinstance(condition, OneOf):
        values = [*condition.values]
    elif isinstance(condition, Range):
        ends = [bound.value for bound in (condition.low, condition.high) if bound is not None]
        values = [*condition.excluded, *(v for v in ends if isinstance(v, str))]
    for value in sorted(values, key=str):
        if why := cannot_match(value, defined):
            raise MetaQueryError(
                f"{value!r} is {why}, and the field is {defined} in the catalogue",
                "write a value of that type, give the ends of a range, or take another field",
            )


def _exact(condition: Condition) -> bool:
    """Whether the condition lists whole numbers that 24 bits hold."""
    return isinstance(condition, OneOf) and all(
        isinstance(value, int) and abs(value) <= _EXACT for value in condition.values
    )


def _in_single(condition: Condition) -> Condition:
    """Return the condition on a FLOAT; a value that 24 bits hold exactly stays unchanged."""
    if isinstance(condition, Missing):
        return condition
    if isinstance(condition, OneOf):
        stored = _with_stored(condition.values)
        return condition if len(stored) == len(condition.values) else OneOf(stored)
    low, high = _end(condition.low, lowest=True), _end(condition.high, lowest=False)
    changed = meta_condition.between(low, high, _with_stored(condition.excluded))
    if changed is None:
        raise MetaQueryError(
            f"no number of 24 bits fulfils {condition.to_dirac()!r}", "make the range wider"
        )
    return changed


def _with_stored(values: frozenset[Value]) -> frozenset[Value]:
    """Return the values and, for each that 24 bits do not hold, also its stored value."""
    kept = (_kept(value) for value in values)
    return values | {k for v, k in zip(values, kept, strict=True) if k != _number(v)}


def _kept(value: Value) -> Value:
    number = _number(value)
    kept = None if number is None else single(number)
    return value if kept is None else normal(kept)


def _end(bound: Bound | None, *, lowest: bool) -> Bound | None:
    """Move the end of a range to its stored value, if that lies on the wrong side of it."""
    number = None if bound is None else _number(bound.value)
    if bound is None or number is None:
        return bound
    kept = single(number)
    if kept is None or kept == number:
        return bound
    inside = kept > number if lowest else kept < number
    return bound if inside == bound.closed else Bound(normal(kept), bound.closed)


def _shortened(condition: Condition) -> Condition:
    """Write each number as its author may have; values added by :func:`_with_stored` go."""
    if isinstance(condition, OneOf):
        return OneOf(_without_stored(condition.values))
    if isinstance(condition, Missing):
        return condition
    low, high = _shortened_end(condition.low), _shortened_end(condition.high)
    return meta_condition.between(low, high, _without_stored(condition.excluded)) or condition


def _shortened_end(bound: Bound | None) -> Bound | None:
    if bound is None or not isinstance(bound.value, float):
        return bound
    return Bound(shortest(bound.value), bound.closed)


def _without_stored(values: frozenset[Value]) -> frozenset[Value]:
    added = {_kept(value) for value in values if _kept(value) != _number(value)}
    return values - added


def _number(value: Value) -> float | None:
    """Return the number that a value is, or that its text means."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
