"""``${{ name }}``: the only thing in a production that is filled in, by name and by nothing else.

Invariant: there is no expression, no default and no code: a placeholder is one of :data:`NAMES`.
DIRAC's own ``@{JOB_ID}`` and ``@{PRODUCTION_ID}`` pass through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.problems import Path, Problems, nearest

#: production, step and virtual organisation as named in the file; run: tag of the DAG run
NAMES = ("production", "run", "step", "vo")

_PLACEHOLDER = re.compile(r"\$\{\{(.*?)\}\}")


def fill(value: Any, values: Mapping[str, str], path: Path, problems: Problems) -> Any:
    """``value`` with the placeholders of all strings in it filled in.

    :param value: a string, or lists and mappings of them; anything else stays as it is.
    :param path: where ``value`` stands, for the problems that are found.
    """
    if isinstance(value, str):
        return _fill_text(value, values, path, problems)
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
            f"no placeholder is filled in here: {value!r}",
            "placeholders work in description, job, output, dataset and input.where",
            code="placeholder",
        )


def _fill_text(text: str, values: Mapping[str, str], path: Path, problems: Problems) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name in values:
            return values[name]
        reason, hint = f"unknown placeholder {match[0]!r}", nearest(name, values)
        problems.add(path, reason, hint, code="placeholder")
        return "unknown"  # a plain word, so that no second mistake is made of it

    if "${{" in _PLACEHOLDER.sub("", text):
        reason = f"a placeholder is not closed: {text!r}"
        problems.add(path, reason, "write ${{ name }}", code="placeholder")
        return "unknown"
    return _PLACEHOLDER.sub(value_of, text)
