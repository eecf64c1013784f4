"""Defines the deadline of a run as a user writes it: hours after it begins, or a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, StrictFloat, StrictInt, StrictStr
from pydantic import WithJsonSchema as Schema

from dirac_prodsys.core.models import invalid

_HINT = 'write the hours after a run begins, such as 72, or a moment: "2026-12-24T12:00Z"'


def _checked(value: float | str) -> float | str:
    if isinstance(value, str):
        _moment(value)
    elif not 0 < value <= 24 * 3660:
        raise invalid(f"a deadline of {value:g} hours is none", _HINT)
    return value


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{text!r} is no moment", _HINT) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


Deadline = Annotated[
    StrictInt | StrictFloat | StrictStr,
    AfterValidator(_checked),
    Schema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]


def due_at(deadline: float | str, began: float) -> float:
    """Return the moment, in seconds since the epoch.

    :param began: when the run began.
    """
    if isinstance(deadline, str):
        return _moment(deadline).timestamp()
    return began + 3600.0 * deadline
