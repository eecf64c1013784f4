"""Runs the migrations, on the connection that the caller gives or on the configured URL.

Invariant: only tables of the ledger are looked at: Airflow's may stand in the same database.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool

from dirac_prodsys.ledger.tables import VERSION_TABLE, metadata


def _is_ours(_object: Any, name: str | None, kind: str, *_rest: Any) -> bool:
    return kind != "table" or name in metadata.tables


def _configure(**given: Any) -> None:
    context.configure(
        target_metadata=metadata, version_table=VERSION_TABLE, include_object=_is_ours, **given
    )
    with context.begin_transaction():
        context.run_migrations()


def _run() -> None:
    if context.is_offline_mode():
        _configure(url=context.config.get_main_option("sqlalchemy.url"), literal_binds=True)
        return
    given = context.config.attributes.get("connection")
    if given is not None:
        _configure(connection=given)
        return
    url = str(context.config.get_main_option("sqlalchemy.url"))
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        _configure(connection=connection)
        connection.commit()


_run()
