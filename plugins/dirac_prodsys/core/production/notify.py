"""Defines who is notified, and about what; the texts are made in ``core/reports/notices``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, StrictStr
from pydantic import WithJsonSchema as Schema

from dirac_prodsys.core.models import Model, invalid

NoticeKind = Literal[
    "stalled", "recovered", "flushed", "given_up", "needs_person", "completed", "failed"
]
KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)

#: the default; without flushes, which happen every day
DEFAULT_KINDS: tuple[NoticeKind, ...] = tuple(kind for kind in KINDS if kind != "flushed")

_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_ADDRESSES = {"type": "string", "pattern": f"^{_ADDRESS.pattern}$"}


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise invalid(f"{value!r} is no mail address", "write somebody@example.org")
    return value


class Notify(Model):
    """Who is told of what; what is not said is as the deployment has it.

    :param on: kinds of notices, one or a list; an empty list: none.
    :param to: mail addresses, one or a list.
    """

    on: Annotated[
        tuple[NoticeKind, ...] | None,
        BeforeValidator(_one_or_many),
        Schema({"anyOf": [{"enum": [*KINDS]}, {"type": "array", "items": {"enum": [*KINDS]}}]}),
    ] = None
    to: Annotated[
        tuple[Annotated[StrictStr, AfterValidator(_address)], ...] | None,
        BeforeValidator(_one_or_many),
        Schema({"anyOf": [_ADDRESSES, {"type": "array", "items": _ADDRESSES}]}),
    ] = None
