"""Reads the numbers in a small result file of a job: JSON, YAML, or ``name = number`` lines.

Jobs write these files, so they may contain anything: no expression here tries a text twice.

Invariant: only finite numbers are returned, by the names that conditions use; nested mappings are
joined by dots. An invalid file is refused with the reason, and nothing in it is executed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.text import reader
from dirac_prodsys.errors import DefinitionErrors

#: maximum bytes of a file that is read; a result file is a page of numbers
MAX_BYTES = 64 * 1024

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
#: maximum depth of nested mappings
MAX_DEPTH = 50


class ValueFileError(ValueError):
    """The file holds no numbers that can be read.

    :param reason: why.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_values(content: bytes) -> dict[str, float]:
    """Return the numbers in a file, by name.

    :raises ValueFileError: the file is too big, not text, or in none of the three forms.
    """
    if len(content) > MAX_BYTES:
        raise ValueFileError(f"it has {len(content):,} bytes, more than {MAX_BYTES:,}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueFileError("it is no text in UTF-8") from None
    if text.lstrip().startswith("{"):
        data = _json(text)
    elif (lines := _lines(text)) is not None:
        data = lines
    else:
        data = _yaml(text)
    return dict(_flat(data, "", MAX_DEPTH))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueFileError(f"it begins as JSON and is none: {error}") from None


def _yaml(text: str) -> Any:
    try:
        return reader.parse(text, "the file").data
    except DefinitionErrors as errors:
        raise ValueFileError(f"it is no mapping in YAML: {errors.errors[0].reason}") from None


def _lines(text: str) -> dict[str, Any] | None:
    """Read ``name = value`` lines, without empty lines and comments; None if one differs."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, sign, rest = line.partition("=")
        name, value = name.strip(), rest.partition("#")[0].strip()
        if not sign or not _NAME.fullmatch(name):
            return None
        found[name] = float(value) if _NUMBER.fullmatch(value) else value
    return found or None


def _flat(data: Any, above: str, deeper: int) -> Iterator[tuple[str, float]]:
    if isinstance(data, Mapping):
        if not deeper:
            raise ValueFileError(f"it is nested deeper than {MAX_DEPTH} levels")
        for name, value in data.items():
            yield from _flat(value, f"{above}.{name}" if above else str(name), deeper - 1)
    elif isinstance(data, int | float) and not isinstance(data, bool) and _is_finite(data):
        yield above, data


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond all measure
        return False
