"""Defines what all records of the ledger share: where they belong, when, and a unique key.

A record is written once and never changed. Its key follows from its content, so a record that is
delivered twice, or written again by the retry of a killed task, is the same record.

Invariant: a newer version may add fields and kinds, and an older one carries them on unchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _as_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


#: a moment, kept in UTC
Moment = Annotated[AwareDatetime, AfterValidator(_as_utc)]


def moment(seconds: float) -> datetime:
    """Return the moment of a number of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


class Record(BaseModel):
    """One record.

    :param kind: the kind of record: the name by which ``records.KINDS`` finds its class.
    :param at: when it happened.
    :param vo: virtual organisation.
    :param production: name of the production; empty: a transformation that belongs to none.
    :param run: run tag, as in the names of transformations.
    :param step: name of the step; empty: the record is about a run, or a production.
    :param transformation: ID in DIRAC; None: it has none yet, or the record is not about one.
    :param name: name of the transformation; IDs begin anew when a database does.
    :param campaign: campaign that the production belongs to: its tag ``campaign:NAME``.
    :param occasion: what sets this record apart from others with the same content. It is the same
        in each retry: the number of a flush, or how often the run was cleared. Empty, where a
        record is an observation: then its moment sets it apart.
    :param key: unique key; empty: it is computed.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    #: fields that, with ``kind`` and ``vo``, make the key
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    #: True: without an occasion, the moment is part of the key
    IS_OBSERVED: ClassVar[bool] = False

    kind: str
    at: Moment
    vo: str = ""
    production: str = ""
    run: str = ""
    step: str = ""
    transformation: int | None = None
    name: str = ""
    campaign: str = ""
    occasion: str = ""
    key: str = ""

    def model_post_init(self, _context: Any) -> None:
        """Compute the key, unless the record came with one."""
        if not self.key:
            object.__setattr__(self, "key", self._computed_key())

    def _computed_key(self) -> str:
        parts: list[Any] = [self.vo, *(getattr(self, name) for name in self.IDENTITY)]
        parts.append(self.occasion)
        if self.IS_OBSERVED and not self.occasion:
            parts.append(self.at.isoformat(timespec="seconds"))
        text = json.dumps(parts, sort_keys=True, default=str)
        return f"{self.kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; empty fields are left out."""
        found = self.model_dump(mode="json")
        return {name: value for name, value in found.items() if value not in ("", None, {}, [])}

    def to_json(self) -> str:
        """Return the JSON form as one line of ASCII: any text fits into any file and database."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`.

        :raises pydantic.ValidationError: it is no record.
        """
        return cls.model_validate(data)
