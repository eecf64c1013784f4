"""Fills in ``${{ name }}``: the only thing in a production that is filled in, only by name.

Invariant: there is no expression, no default and no code: a placeholder is one of :data:`NAMES`.
DIRAC's own ``@{JOB_ID}`` and ``@{PRODUCTION_ID}`` stay unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.problems import Path, Problems, nearest, short
from dirac_prodsys.errors import MOST_OF_A_KIND

#: production, step and virtual organisation as named in the file; run: tag of the DAG run
NAMES = ("production", "run", "step", "vo")

#: begin and end of a placeholder; the name between them is on one line
_SIGN = re.compile(r"\$\{\{|\}\}|\n")


def fill(value: Any, values: Mapping[str, str], path: Path, problems: Problems) -> Any:
    """Return ``value`` with the placeholders of all strings in it filled in.

    :param value: a string, or lists and mappings of strings; anything else stays as it is.
    :param path: path of ``value``, for the problems that are found.
    """
    if isinstance(value, str):
        return _fill_text(value, values, path, problems)
    if isinstance(value, int | float):  # most values; a check for Mapping is slow
        return value
    if isinstance(value, Mapping):
        return {k: fill(v, values, (*path, k), problems) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [fill(v, values, (*path, i), problems) for i, v in enumerate(value)]
    return value


def refuse(value: Any, path: Path, problems: Problems) -> None:
    """Note a problem if ``value`` is a string with a placeholder, where none is filled in."""
    if isinstance(value, str) and "${{" in value:
        problems.add(
            path,
            f"no placeholder is filled in here: {short(value)!r}",
            "placeholders work in description, job, output, dataset and input.where",
            code="placeholder",
        )


def _fill_text(text: str, values: Mapping[str, str], path: Path, problems: Problems) -> str:
    """Return the filled text; it is read once, from left to right, however many are not closed."""
    if "${{" not in text:
        return text
    parts: list[str] = []
    done, begun = 0, -1
    before = len(problems.found)
    for sign in _SIGN.finditer(text):
        if sign[0] == "${{":
            begun = sign.start() if begun < 0 else begun
        elif begun >= 0 and sign[0] == "}}":
            written = text[begun : sign.end()]
            parts += (text[done:begun], _value(written, values, path, problems))
            done, begun = sign.end(), -1
            if len(problems.found) - before > MOST_OF_A_KIND:
                return "unknown"
        elif begun >= 0:
            break
    if begun >= 0:
        reason = (
            f"a placeholder is not closed: {short(text[begun:] if len(text) > 100 else text)!r}"
        )
        problems.add(path, reason, "write ${{ name }}", code="placeholder")
        return "unknown"  # a plain word, so that no second mistake is made of it
    return "".join((*parts, text[done:]))


def _value(written: str, values: Mapping[str, str], path: Path, problems: Problems) -> str:
    name = written[3:-2].strip()
    if name in values:
        return values[name]
    reason, hint = f"unknown placeholder {short(written)!r}", nearest(name, values)
    problems.add(path, reason, hint, code="placeholder")
    return "unknown"
