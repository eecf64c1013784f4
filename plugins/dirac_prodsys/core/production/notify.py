"""Defines ``notify:`` as a user writes it: who is notified, about what, and when a run is late."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StrictFloat, StrictInt, StrictStr
from pydantic import WithJsonSchema as Schema

from dirac_prodsys.core.models import Model, invalid, one_or_many
from dirac_prodsys.core.policy.notice_kinds import KINDS, NoticeKind

_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_ADDRESSES = {"type": "string", "pattern": f"^{_ADDRESS.pattern}$"}


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise invalid(f"{value!r} is no mail address", "write somebody@example.org")
    return value


_DEADLINE_HINT = 'write the hours after a run begins, such as 72, or a moment: "2026-12-24T12:00Z"'


def _deadline(value: float | str) -> float | str:
    if isinstance(value, str):
        _moment(value)
    elif not 0 < value <= 24 * 3660:
        raise invalid(f"a deadline of {value:g} hours is none", _DEADLINE_HINT)
    return value


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{text!r} is no moment", _DEADLINE_HINT) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


Deadline = Annotated[
    StrictInt | StrictFloat | StrictStr,
    AfterValidator(_deadline),
    Schema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]


class Notify(Model):
    """Who is notified, and about what; a key that is left out is as the deployment has it.

    :param on: kinds of notices, one or a list; an empty list: none.
    :param to: mail addresses, one or a list.
    :param deadline: when a run should be done: hours after it begins, or a moment; default: none.
    """

    on: Annotated[
        tuple[NoticeKind, ...] | None,
        BeforeValidator(one_or_many),
        Schema({"anyOf": [{"enum": [*KINDS]}, {"type": "array", "items": {"enum": [*KINDS]}}]}),
    ] = None
    to: Annotated[
        tuple[Annotated[StrictStr, AfterValidator(_address)], ...] | None,
        BeforeValidator(one_or_many),
        Schema({"anyOf": [_ADDRESSES, {"type": "array", "items": _ADDRESSES}]}),
    ] = None
    deadline: Deadline | None = None


def due_at(deadline: float | str, began: float) -> float:
    """Return the moment, in seconds since the epoch.

    :param began: when the run began.
    """
    if isinstance(deadline, str):
        return _moment(deadline).timestamp()
    return began + 3600.0 * deadline
