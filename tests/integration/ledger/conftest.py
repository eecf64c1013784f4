"""Databases of a ledger: a SQLite file, and a PostgreSQL of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from dirac_prodsys.ledger.database import open_engine
from tests.integration.ledger.databases import Database
from tests.integration.ledger.postgres import Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    # the path of a socket is short, and the server's user must be able to enter it
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-", dir="/tmp"))
    folder.chmod(0o755)
    found = Postgres(folder / "pg")
    found.start()
    yield found
    found.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path}/db/ledger.db", None)
    server: Postgres = request.getfixturevalue("server")
    engine = open_engine(server.url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return Database(server.url, server)
