"""Reads additional parameters of a transformation as they were written.

DIRAC 9.0 stores a value as a string literal of MySQL, in quotes and escaped, and returns that
(``TransformationDB.__addAdditionalTransformationParameter``; 9.1 stores the value itself).
"""

from __future__ import annotations

import re
from typing import Any

#: second letter of an escape (``mysql_real_escape_string``) -> its meaning, unless it means itself
_ESCAPED = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)


def as_written(value: Any) -> str:
    """Return the text of a parameter, whichever DIRAC stored it."""
    text = str(value)
    if not _LITERAL.fullmatch(text):
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text[1:-1])


def holds(stored: Any, value: Any) -> bool:
    """Check whether a parameter is stored with this value; None: it is not stored."""
    return stored is not None and str(value) in (str(stored), as_written(stored))
