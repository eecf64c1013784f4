"""Checks values and names in a meta query: what DIRAC stores, sends and compares unchanged.

Invariant: one value, one form: ``20`` and ``20.0`` are the same number and print the same, so that
equal queries select the same files; a string never equals a number; no bool, no null, no NaN. Texts
keep their spelling and are compared as in the catalogue's database: :func:`compared`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

from dirac_prodsys.core.limits import FIELD_NAME
from dirac_prodsys.errors import MetaQueryError

#: a value in normal form
Value = str | int | float

#: words with a meaning of their own in DIRAC's queries (``FileMetadata``, ``MetaQuery.applyQuery``)
RESERVED = frozenset({"any", "missing"})

#: the least string that :func:`normal` accepts
LEAST_STRING = "!"

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INT_LIMIT = 2**63


def check_field(name: object) -> str:
    """Return ``name`` if the catalogue accepts it as a field (``MySQL._checkIdentifier``).

    :raises MetaQueryError: it does not.
    """
    if isinstance(name, str) and len(name) > FIELD_NAME.most:
        raise MetaQueryError(
            f"{name[:20] + '…'!r} is not a metadata field name: it has "
            f"{FIELD_NAME.says(len(name))}",
            "shorten it",
            field=name,
        )
    if isinstance(name, str) and _FIELD.fullmatch(name):
        return name
    raise MetaQueryError(
        f"{name!r} is not a metadata field name",
        "use letters, digits and _, not beginning with a digit",
        field=name if isinstance(name, str) else "",
    )


def normal(value: object) -> Value:
    """Return the normal form of a metadata value: integral floats become integers, the rest stays.

    :raises MetaQueryError: it is not a printable string, an integer of 64 bits or a finite number;
        or contains ``;;;``, at which ``TransformationDB`` splits; or is one of DIRAC's own words.
    """
    if isinstance(value, str):
        return _normal_string(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, bool):
            raise MetaQueryError(
                f"{str(value).lower()} is a boolean, and metadata are text or numbers",
                "booleans break DIRAC's stored queries: use 0 and 1, or quote the word",
            )
        raise MetaQueryError(
            f"{'nothing' if value is None else value!r} is neither text nor a number",
            "write one value here",
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise MetaQueryError(f"{value!r} is no number that a database can hold", "quote it as text")
    if isinstance(value, float) and value.is_integer() and abs(value) < _INT_LIMIT:
        return int(value)
    if isinstance(value, int) and abs(value) >= _INT_LIMIT:
        raise MetaQueryError(f"{value} does not fit into 64 bits", "quote it if it is a name")
    return value


def _normal_string(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable():
        raise MetaQueryError(
            f"{value!r} is empty, has spaces at an end, or characters that do not print",
            "the database compares such text in its own way: write plain words",
        )
    if ";;;" in value:
        raise MetaQueryError(
            f"{value!r} holds ';;;', at which DIRAC splits stored values", "use another separator"
        )
    if value.lower() in RESERVED:
        raise MetaQueryError(
            f"{value!r} is DIRAC's own word and cannot be compared with",
            "as a condition of its own, 'Any' is any value and 'Missing' no value",
        )
    return value


def compared(value: Value) -> Value:
    """Return the value as the catalogue's database compares it: texts without case and accents.

    The metadata tables have the database's own collation, which ignores both
    (``DirectoryMetadata.addMetadataField`` names none); here it is MariaDB's
    ``utf8mb4_general_ci``, which has the order of capital letters. MySQL's ``utf8mb4_0900_ai_ci``
    treats somewhat more texts as equal.
    """
    return folded(value) if isinstance(value, str) else value


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """Return a text as the database compares it, without blanks at its end."""
    text = text.rstrip(" ")
    if text.isascii():
        return text.upper()
    letters = unicodedata.normalize("NFD", text.replace("ß", "s"))
    kept = "".join(one for one in letters if not unicodedata.combining(one)).upper()
    # one weight for all characters of four bytes
    return "".join(one if one <= "\uffff" else "\ufffd" for one in kept)


def order_key(value: Value) -> tuple[bool, Value]:
    """Return a sort key over numbers and strings in the database's order: numbers first."""
    return isinstance(value, str), compared(value)


def spelling_key(value: Value) -> tuple[bool, Value, str]:
    """Return a sort key that also separates spellings that the database treats as equal."""
    return (*order_key(value), str(value))


def same_kind(left: Value, right: Value) -> bool:
    """Whether the two can be ordered: both strings or both numbers."""
    return isinstance(left, str) == isinstance(right, str)
