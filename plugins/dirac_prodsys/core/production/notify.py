"""Defines ``notify:`` as a user writes it: who is notified, and about what."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StrictStr
from pydantic import WithJsonSchema as Schema

from dirac_prodsys.core.models import Model, invalid, one_or_many
from dirac_prodsys.core.policy.notice_kinds import KINDS, NoticeKind
from dirac_prodsys.core.production.deadline import Deadline

_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_ADDRESSES = {"type": "string", "pattern": f"^{_ADDRESS.pattern}$"}


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise invalid(f"{value!r} is no mail address", "write somebody@example.org")
    return value


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
