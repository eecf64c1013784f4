"""No record is lost or doubled: writers are killed at random, the database is away, the disk full.

The same on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from dirac_prodsys.core.reports.ledger.records import EventRecord
from dirac_prodsys.ledger.database import migrate, open_engine
from dirac_prodsys.ledger.history import run_history, runs, steps
from dirac_prodsys.ledger.recorder import Recorder
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.ledger.tables import VERSION_TABLE, metadata, records
from tests.integration.ledger.postgres import Postgres
from tests.unit.ledger.example_records import counts, event, step

#: rounds in which writers are killed
ROUNDS = 100


class Database(NamedTuple):
    """A database that can be away."""

    url: str
    server: Postgres | None

    def take_away(self) -> None:
        if self.server is not None:
            self.server.stop()
        else:  # a folder stands where the file was
            path = Path(self.url.removeprefix("sqlite:///"))
            path.parent.rename(path.parent.with_name("away"))
            path.parent.touch()

    def bring_back(self) -> None:
        if self.server is not None:
            self.server.start()
        else:
            path = Path(self.url.removeprefix("sqlite:///"))
            path.parent.unlink()
            path.parent.with_name("away").rename(path.parent)


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


def recorder(database: Database, folder: Path) -> Recorder:
    return Recorder(Spool(folder, reserve=0), lambda: Ledger.at(database.url))


def deliver_all(database: Database, folder: Path) -> None:
    """Deliver what waits, as the next task does, until nothing does."""
    (folder / "away").unlink(missing_ok=True)
    last = recorder(database, folder).deliver(seconds=60)
    assert (last.waiting, last.why) == (0, "")


def texts(database: Database) -> list[str]:
    found = Ledger.at(database.url)
    written = [each.text for each in found.find(Search()) if isinstance(each, EventRecord)]
    found.close()
    return written


def writer(database: Database, folder: Path, by: str, acknowledged: int) -> None:
    """Write records for ever, and report each that the recorder has taken."""
    own = recorder(database, folder)
    number = 0
    while True:
        own.write(event(number, by=by))
        os.write(acknowledged, f"{by} {number}\n".encode())
        number += 1


def start_writer(database: Database, folder: Path, by: str, acknowledged: int) -> int:
    process = os.fork()
    if process == 0:
        try:
            writer(database, folder, by, acknowledged)
        finally:
            os._exit(1)
    return process


def test_writers_killed_at_random_lose_and_double_nothing(
    database: Database, tmp_path: Path
) -> None:
    folder, chance = tmp_path / "spool", random.Random(7)  # noqa: S311 (it shall be the same each time)
    migrate(open_engine(database.url))
    reading, acknowledged = os.pipe()
    promised: list[str] = []
    for number in range(ROUNDS):
        started = [start_writer(database, folder, f"{number}{name}", acknowledged) for name in "ab"]
        time.sleep(chance.uniform(0.0, 0.12))
        for process in started:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        os.write(acknowledged, b".\n")
        promised += os.read(reading, 1 << 16).decode().split("\n")
    promised = [line for line in promised if line not in ("", ".")]
    deliver_all(database, folder)
    written = texts(database)
    assert len(promised) > ROUNDS
    assert set(promised) - set(written) == set()
    assert len(written) == len(set(written))


def test_what_is_written_while_the_database_is_away_comes_later_in_order(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    task = recorder(database, folder)
    task.write(event(0, by="a"))
    database.take_away()
    begin = time.monotonic()
    for number in range(1, 20):
        task.write(event(number, by="a"))
    took = time.monotonic() - begin
    database.bring_back()
    deliver_all(database, folder)
    assert texts(database) == [f"a {number}" for number in range(20)]
    found = Ledger.at(database.url)
    delivered = found.rows(select(records.c.content).order_by(records.c.id))
    order = [json.loads(content)["text"] for (content,) in delivered]
    found.close()
    assert order == [f"a {number}" for number in range(20)]
    print(f"19 records took {took:.2f} s while the database was away")


def test_a_full_disk_loses_nothing(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    migrate(open_engine(database.url))
    task = recorder(database, folder)
    task.write(event(0, by="a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        task.write(event(1, by="a"))
        task.write(event(2, by="a"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    task.write(event(3, by="a"))
    deliver_all(database, folder)
    assert texts(database) == [f"a {number}" for number in range(4)]


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    engine = open_engine(database.url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_people_are_answered_alike(database: Database) -> None:
    found = Ledger.at(database.url)
    odd = event(1, by="a\0b \U0001f30d", production="a\0b")
    batch = [step(1, campaign="c"), step(2), counts(1, 3, 2), counts(1, 9, 5), odd]
    found.write(batch)
    found.write(batch)
    assert found.count(Search()) == 5
    assert list(found.find(Search(kinds=("event",)))) == [odd]
    assert [(row.production, row.steps) for row in runs(found)] == [("bands", 2)]
    assert [each.counts for each in steps(found, Search())] == [counts(1, 9, 5), None]
    history = run_history(found, Search(production="bands"))
    assert history is not None
    assert len(history.steps) == 2
    found.close()
