"""Decides what a plain word of YAML means, without surprises.

Invariant: a value is a number only if a number was written. Decided so:

* ``true`` and ``false`` (also True, TRUE) are the booleans; ``no yes on off`` are text;
* ``2020-06-29`` is text: there are no dates;
* ``007``, ``0x1F``, ``1_000``, ``1:30``, ``.inf`` and integers of more than 18 digits are text;
* ``12``, ``-3``, ``1.5``, ``1e3`` are numbers; ``~``, ``null`` and nothing at all are null;
* what stands in quotes is text.
"""

from __future__ import annotations

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9]+(?:[eE][-+]?[0-9]+)?|(?:0|[1-9][0-9]*)[eE][-+]?[0-9]+)"
)
_TRAILING_ZERO = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+0")


def resolve(text: str) -> str | int | float | bool | None:
    """Return the value of a plain (unquoted) scalar."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if len(text) < 64 and _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def loses_digits(text: str) -> bool:
    """Whether a plain scalar is a float that loses its last zeros, as ``1.10`` becomes 1.1."""
    return _TRAILING_ZERO.fullmatch(text) is not None
