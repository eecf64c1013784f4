"""No record is lost or doubled: writers are killed at random, the database is away, the disk full.

The same on SQLite and on PostgreSQL. ``LEDGER_ROUNDS=1000`` kills more often.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi import FastAPI
from sqlalchemy import select, text

from dirac_prodsys.core.reports.ledger.records import EventRecord
from dirac_prodsys.ledger.api import ApiSink
from dirac_prodsys.ledger.database import migrate, open_engine
from dirac_prodsys.ledger.history import run_history, runs, steps
from dirac_prodsys.ledger.recorder import Recorder
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.ledger.tables import VERSION_TABLE, metadata, records
from dirac_prodsys.provider.plugin import DiracProdsysPlugin
from dirac_prodsys.provider.reporting import ledger_route  # noqa: F401 (each server has it loaded)
from tests.integration.ledger.postgres import Postgres
from tests.patience import until
from tests.unit.ledger.example_records import counts, event, step

#: rounds in which writers are killed
ROUNDS = int(os.environ.get("LEDGER_ROUNDS", "60"))
#: known to workers and API server
SECRET = "open sesame"


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


def recorder(database: Database, folder: Path, api: str = "") -> Recorder:
    """What a task writes to.

    :param api: address of an API server, if the records go through one.
    """
    spool = Spool(folder, reserve=0)
    return Recorder(spool, lambda: ApiSink(api, SECRET) if api else Ledger.at(database.url))


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


def forked(work: Callable[[], None]) -> int:
    """Do the work in a process of its own; return its ID."""
    process = os.fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(1)
    return process


def kill(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


class Writers:
    """Processes that write records for ever, and report each that the recorder has taken."""

    def __init__(self, database: Database, folder: Path, api: str = "") -> None:
        self._database, self._folder, self._api = database, folder, api
        self._reading, self._reported = os.pipe()
        self.promised: list[str] = []

    def start(self, by: str) -> int:
        return forked(lambda: self._write(by))

    def _write(self, by: str) -> None:
        own = recorder(self._database, self._folder, self._api)
        number = 0
        while True:
            own.write(event(number, by=by))
            os.write(self._reported, f"{by} {number}\n".encode())
            number += 1

    def collect(self) -> None:
        """Read what was reported, also by processes that were killed since."""
        os.write(self._reported, b".\n")
        lines = os.read(self._reading, 1 << 16).decode().split("\n")
        self.promised += [line for line in lines if line not in ("", ".")]


def assert_nothing_is_lost(database: Database, promised: list[str]) -> None:
    written = texts(database)
    assert len(promised) > ROUNDS
    assert set(promised) - set(written) == set()
    assert len(written) == len(set(written))


def test_writers_killed_at_random_lose_and_double_nothing(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    chance = random.Random(7)  # noqa: S311 (it shall be the same each time)
    migrate(open_engine(database.url))
    writers = Writers(database, folder)
    for number in range(ROUNDS):
        started = [writers.start(f"{number}{name}") for name in "ab"]
        time.sleep(chance.uniform(0.0, 0.12))
        kill(*started)
        writers.collect()
    deliver_all(database, folder)
    assert_nothing_is_lost(database, writers.promised)


def test_an_api_server_killed_at_random_loses_and_doubles_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed with the workers that send it records, and starts anew each time."""
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", database.url)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SECRET", SECRET)
    folder = tmp_path / "spool"
    chance = random.Random(8)  # noqa: S311 (it shall be the same each time)
    migrate(open_engine(database.url))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    writers = Writers(database, folder, f"http://127.0.0.1:{port}")
    for number in range(ROUNDS // 5):
        server = forked(lambda: serve(port))
        until("the API server", 30, lambda: listens(port), each=0.02)
        (folder / "away").unlink(missing_ok=True)
        started = [writers.start(f"{number}{name}") for name in "ab"]
        before = len(texts(database))
        if number % 2 == 0:  # else it may be killed before anything has come through
            until("a record", 60, lambda before=before: len(texts(database)) > before, each=0.02)
        time.sleep(chance.uniform(0.0, 0.2))
        kill(server)
        time.sleep(chance.uniform(0.0, 0.05))
        kill(*started)
        writers.collect()
    deliver_all(database, folder)
    assert_nothing_is_lost(database, writers.promised)


def serve(port: int) -> None:
    """Be an API server with the route."""
    app = FastAPI()
    offered = DiracProdsysPlugin.fastapi_apps[0]
    app.mount(offered["url_prefix"], offered["app"])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical")


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


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
