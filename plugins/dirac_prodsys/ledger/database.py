"""Opens the database of the ledger by its URL, and brings its tables up to date.

A SQLite file is written by several processes: its journal is a write-ahead log, and a writer waits
for another. PostgreSQL is given a few seconds to answer, and not more: a task may be waiting.

Invariant: two processes that bring the tables up to date at the same time do it one after the
other. A database that is newer than this package is used as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.tables import VERSION_TABLE, VERSIONS

#: seconds until a database that does not answer counts as away
CONNECT_SECONDS = 5
#: seconds until a statement, or the wait for another writer, is given up
WRITE_SECONDS = 10
#: number of the advisory lock in PostgreSQL under which tables are changed
_MIGRATION_LOCK = 0x70726F64
#: a server that vanishes is noticed after seconds, not after hours
_POSTGRES = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": WRITE_SECONDS * 1000,
}
#: folder with Alembic's environment
MIGRATIONS = Path(__file__).with_name("migrations")


def open_engine(url: str) -> Engine:
    """Return an engine for the ledger at this URL; opening makes no connection.

    :raises LedgerUnavailable: it is no URL, its driver is missing, or it is neither SQLite nor
        PostgreSQL.
    """
    try:
        parsed = make_url(url)
        return _engine(parsed)
    except (SQLAlchemyError, ImportError) as error:
        raise LedgerUnavailable(
            f"the ledger's URL cannot be used: {type(error).__name__}", _HINT
        ) from None


def _engine(url: URL) -> Engine:
    kind = url.get_backend_name()
    if kind == "sqlite":
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": WRITE_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if kind == "postgresql":
        engine = create_engine(url, pool_size=2, pool_pre_ping=True, connect_args=_POSTGRES)
        event.listen(engine, "begin", _begin_postgres)
        return engine
    raise LedgerUnavailable(f"the ledger cannot be in {kind}", _HINT)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_postgres(connection: Connection) -> None:
    # not among the options of the connection: PgBouncer refuses these
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {WRITE_SECONDS * 1000}")


def _begin_sqlite(connection: Connection) -> None:
    # a transaction that reads first and writes then cannot wait for another writer
    wanted = connection.get_execution_options().get("sqlite_begin", "BEGIN")
    connection.exec_driver_sql(wanted)


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that writes; committed at the end."""
    options = {"sqlite_begin": "BEGIN IMMEDIATE"}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def migrate(engine: Engine) -> None:
    """Make the tables, or bring them up to date.

    :raises LedgerUnavailable: the database is away, or its user may not do this.
    """
    try:
        with writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            _upgrade(connection)
    except SQLAlchemyError as error:
        raise unavailable(error) from None


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this package, or newer ones.

    :raises LedgerUnavailable: the database is away.
    """
    try:
        with engine.connect() as connection:
            found = _revision(connection)
    except SQLAlchemyError as error:
        raise unavailable(error) from None
    return _is_ahead(found)


def unavailable(error: Exception) -> LedgerUnavailable:
    """Return the error of ours for one of the database; no password is in it."""
    cause = getattr(error, "orig", None) or error
    first = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return LedgerUnavailable(f"the ledger does not answer: {first}", _HINT)


def config(url: str = "") -> Any:
    """Return Alembic's configuration for the migrations of the ledger."""
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    found.set_main_option("path_separator", "os")
    found.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command

    if _is_ahead(_revision(connection)):
        return
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return None if found is None else str(found)


def _is_ahead(revision: str | None) -> bool:
    """Whether nothing is to be done: the tables are those of this package, or of a later one."""
    return revision is not None and revision not in VERSIONS[:-1]


_HINT = (
    "see [dirac_prodsys] ledger_url: sqlite:////absolute/path, or "
    "postgresql+psycopg2://user:password@host/database"
)
