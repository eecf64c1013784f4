"""Defines the one table of the ledger.

A row holds what is searched by, and the record as JSON: kinds and fields can be added without a
change of the table.

Invariant: the columns repeat fields of the record; the record alone counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData()

#: Alembic's own table for the ledger: it may stand in Airflow's database
VERSION_TABLE = "alembic_version_prodsys"
#: versions of the tables that this package knows, the newest last; named here so that a task need
#: not load Alembic to see that nothing is to be done
VERSIONS = ("0001",)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC, also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the database stores."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return what was stored."""
        if value is None:
            return None
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC)  # type: ignore[no-any-return]


#: the records; ``id`` is the order in which they were delivered
records = Table(
    "prodsys_record",
    metadata,
    # SQLite counts up by itself only what it calls INTEGER
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("vo", Text, nullable=False),
    Column("production", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("transformation", BigInteger),
    Column("name", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("content", Text, nullable=False),
    Index("ix_prodsys_record_key", "key", unique=True),
    Index("ix_prodsys_record_run", "production", "run", "kind", "at"),
    Index("ix_prodsys_record_campaign", "campaign", "kind", "at"),
    Index("ix_prodsys_record_transformation", "transformation", "kind", "at"),
    Index("ix_prodsys_record_kind", "kind", "at"),
)

#: columns that repeat a field of the record
SEARCHED = ("vo", "production", "run", "step", "transformation", "name", "campaign")
