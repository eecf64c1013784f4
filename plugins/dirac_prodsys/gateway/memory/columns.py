"""Converts and compares values as the database below the in-memory catalogue does.

It follows MariaDB and DIRAC 9.1.22, traps included: FLOAT has 24 bits and is answered with six
digits; INT is rounded and clamped; VARCHAR is cut and compared without regard to case, accents and
trailing blanks; text is 0 for a column of numbers. DIRAC prints a bare float with six decimals, and
sends list elements as text.

Invariant: nothing is refused here, because the real database refuses nothing.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.query import stored_values
from dirac_prodsys.core.query.stored_values import kind_of
from dirac_prodsys.core.query.value import folded
from dirac_prodsys.gateway.memory.answers import ServiceError

#: start of a grid's clock; fixed, because equal calls give equal grids
BEGIN = datetime.datetime(2026, 1, 1)  # noqa: DTZ001  as the database has it: UTC, no time zone

_INT_LIMIT = 2**31
_WIDTH = 128
_RANGES = ("<", "<=", ">", ">=")
_LEADING_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def moment(clock: float) -> datetime.datetime:
    """Return a time of a grid's clock as the database has it."""
    return BEGIN + datetime.timedelta(seconds=int(clock))


def kept(value: Any, defined: str) -> Any:
    """Return the value as a column stores it; None: NULL."""
    kind = kind_of(defined)
    if kind == "int":
        return max(-_INT_LIMIT, min(_INT_LIMIT - 1, _rounded(_number(value))))
    if kind == "float":
        return stored_values.single(_number(value))
    if kind == "double":
        return _number(value)
    if kind == "date":
        read = stored_values.date(value)
        return None if read is None else datetime.datetime.fromisoformat(read)
    digits = "".join(c for c in defined if c.isdigit())
    return str(value)[: int(digits) if digits else _WIDTH]


def shown(stored: Any, defined: str) -> Any:
    """Return a stored value as the service answers it."""
    return float(f"{stored:.6g}") if kind_of(defined) == "float" and stored is not None else stored


def fulfils(stored: Any, condition: Any, *, of_files: bool) -> bool:
    """Check whether a stored value fulfils a condition in DIRAC's form.

    :param of_files: the field is a file field; for those DIRAC prints any bare float shortened.
    """
    word = condition.lower() if isinstance(condition, str) else ""
    if word in ("any", "missing"):
        return (stored is None) == (word == "missing")
    form = condition if isinstance(condition, Mapping) else {"=": condition}
    if stored is None:
        return False
    return all(
        _holds(stored, operator, operand, of_files=of_files) for operator, operand in form.items()
    )


def _holds(stored: Any, operator: str, operand: Any, *, of_files: bool) -> bool:
    if operator in _RANGES:
        if isinstance(operand, list | tuple):
            raise ServiceError("Illegal query: list of values for comparison operation")
        left, right = _comparable(stored, _literal(operand))
        if right is None:
            return False
        below, equal = bool(left < right), bool(left == right)
        met = {"<": below, "<=": below or equal, ">": not (below or equal), ">=": not below}
        return met[operator]
    if isinstance(operand, list | tuple):
        values = [str(one) for one in operand]
    else:
        values = [_literal(operand) if of_files else str(operand)]
    found = any(_equal(stored, value) for value in values)
    return found if operator in ("=", "in") else not found


def _literal(operand: Any) -> Any:
    """Return a bare value as it appears in the statement."""
    return float(f"{operand:f}") if isinstance(operand, float) else operand


def _equal(stored: Any, value: Any) -> bool:
    left, right = _comparable(stored, value)
    if isinstance(stored, int):  # the constant is rounded to a whole number first
        return bool(stored == _rounded(_number(value)))
    return bool(left == right)


def _comparable(stored: Any, value: Any) -> tuple[Any, Any]:
    """Return both sides as the database compares them."""
    if isinstance(stored, datetime.datetime):
        text = str(value)
        if text.isdigit() and len(text) == 8:
            text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        return str(stored), stored_values.date(text)
    if isinstance(stored, str) and isinstance(value, str):
        return folded(stored), folded(value)
    return _number(stored), _number(value)


def _rounded(number: float) -> int:
    """Round to a whole number; halves go away from zero."""
    return int(abs(number) + 0.5) * (1 if number >= 0 else -1)


def _number(value: Any) -> float:
    """Return the number at the start of a text; 0 if there is none."""
    if isinstance(value, int | float):
        return float(value)
    found = _LEADING_NUMBER.match(str(value))
    return float(found.group()) if found else 0.0
