"""Writes records to the ledger and reads them again.

Invariant: what is written twice is there once: the database refuses a second record of the same
key. Records are returned as they were written, whatever version wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import read_record
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.ledger.database import is_current, migrate, open_engine, unavailable, writing
from dirac_prodsys.ledger.tables import SEARCHED, records

#: rows that are read or written at once
_BATCH = 1000


class RefusedRecord(ProdsysError):
    """The database takes everything but this record."""


@dataclass(frozen=True)
class Search:
    """Which records are meant; an empty value means all.

    :param since: from this moment on; :param until: before that one.
    """

    kinds: tuple[str, ...] = ()
    vo: str = ""
    production: str = ""
    run: str = ""
    step: str = ""
    transformation: int | None = None
    name: str = ""
    campaign: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self, table: Any = records) -> list[ColumnElement[bool]]:
        """Return the conditions on the columns of the table."""
        found = [
            table.c[name] == getattr(self, name)
            for name in SEARCHED
            if getattr(self, name) not in ("", None)
        ]
        if self.kinds:
            found.append(table.c.kind.in_(self.kinds))
        if self.since is not None:
            found.append(table.c.at >= self.since)
        if self.until is not None:
            found.append(table.c.at < self.until)
        return found


class Ledger:
    """The records in one database.

    :param engine: of the database; its tables are made at the first use.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ready = False

    @classmethod
    def at(cls, url: str) -> Ledger:
        """Return the ledger at a URL, without a connection.

        :raises LedgerUnavailable: the URL cannot be used.
        """
        return cls(open_engine(url))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def write(self, batch: Sequence[Record]) -> None:
        """Write records, in their order, in one transaction; those that are there stay.

        :raises RefusedRecord: the database refuses a record for what it holds; none is written.
        :raises LedgerUnavailable: it cannot be written now.
        """
        if not batch:
            return
        self._prepare()
        rows = [_row(record) for record in batch]
        try:
            with writing(self.engine) as connection:
                make = postgresql if connection.dialect.name == "postgresql" else sqlite
                statement = make.insert(records).on_conflict_do_nothing(index_elements=["key"])
                for start in range(0, len(rows), _BATCH):
                    connection.execute(statement, rows[start : start + _BATCH])
        except (DataError, IntegrityError) as error:
            raise RefusedRecord(
                f"the ledger refuses a record: {unavailable(error).reason}"
            ) from None
        except SQLAlchemyError as error:
            raise unavailable(error) from None

    def find(self, search: Search, *, newest_first: bool = False) -> Iterator[Record]:
        """Yield the records that are meant, by their moments.

        :raises LedgerUnavailable: it cannot be read now.
        """
        order = [records.c.at, records.c.id]
        query = select(records.c.content).where(*search.conditions())
        query = query.order_by(*(each.desc() if newest_first else each for each in order))
        for (content,) in self.rows(query):
            yield read_record(json.loads(content))

    def first(self, search: Search, *, newest: bool = True) -> Record | None:
        """Return the newest record that is meant, or the oldest; None: there is none.

        :raises LedgerUnavailable: it cannot be read now.
        """
        order = [records.c.at, records.c.id]
        query = select(records.c.content).where(*search.conditions())
        query = query.order_by(*(each.desc() if newest else each for each in order)).limit(1)
        for (content,) in self.rows(query):
            return read_record(json.loads(content))
        return None

    def count(self, search: Search) -> int:
        """Return the number of records that are meant.

        :raises LedgerUnavailable: it cannot be read now.
        """
        query = select(func.count()).select_from(records).where(*search.conditions())
        return int(next(iter(self.rows(query)))[0])

    def rows(self, query: Select[Any]) -> Iterator[Any]:
        """Yield the rows of a query, without holding them all.

        :raises LedgerUnavailable: it cannot be read now.
        """
        self._prepare()
        try:
            with self.engine.connect() as connection:
                yield from connection.execute(query, execution_options={"yield_per": _BATCH})
        except SQLAlchemyError as error:
            raise unavailable(error) from None

    def remove(self, keys: Sequence[str]) -> int:
        """Remove records by their keys; for retention alone. Return how many there were.

        :raises LedgerUnavailable: it cannot be written now.
        """
        self._prepare()
        removed = 0
        try:
            for start in range(0, len(keys), _BATCH):
                part = keys[start : start + _BATCH]
                with writing(self.engine) as connection:
                    done = connection.execute(delete(records).where(records.c.key.in_(part)))
                    removed += done.rowcount
        except SQLAlchemyError as error:
            raise unavailable(error) from None
        return removed

    def _prepare(self) -> None:
        if not self._ready:
            if not is_current(self.engine):
                migrate(self.engine)
            self._ready = True


def _row(record: Record) -> dict[str, Any]:
    found = {name: _storable(getattr(record, name)) for name in SEARCHED}
    return {
        **found,
        "key": _storable(record.key),
        "kind": _storable(record.kind),
        "at": record.at,
        "content": record.to_json(),
    }


def _storable(value: Any) -> Any:
    """Return a text without what databases refuse in texts."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "?").encode("utf-8", "replace").decode()
