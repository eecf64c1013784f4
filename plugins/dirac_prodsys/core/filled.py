"""Numbers that a placeholder left, and which may stand where text is wanted.

``arguments: ${{ parameters.events }}`` is meant as text, ``tasks: ${{ parameters.tasks }}`` as a
number; only the place decides.

Invariant: a filled number is a number wherever one is allowed, and its own text where only text is;
a number that a person wrote is never text.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, StrictStr


class FilledInt(int):
    """A whole number that a placeholder left."""


class FilledFloat(float):
    """A number that a placeholder left."""


def filled(value: bool | int | float | str) -> bool | int | float | str:
    """The value as one that a placeholder left."""
    if isinstance(value, bool | str):
        return value
    return FilledInt(value) if isinstance(value, int) else FilledFloat(value)


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, FilledInt | FilledFloat) else value


#: text, also if a placeholder left a number
Text = Annotated[StrictStr, BeforeValidator(_as_text)]
