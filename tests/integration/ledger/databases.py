"""A ledger's database that can be away, and what its tests write to and read from."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dirac_prodsys.core.reports.ledger.records import EventRecord
from dirac_prodsys.ledger.api import ApiSink
from dirac_prodsys.ledger.recorder import Recorder
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, Search
from tests.integration.ledger.postgres import Postgres

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

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let it answer nobody who writes: a lock on the file, or a server that is frozen."""
        if self.server is not None:
            with self.server.frozen():
                yield
            return
        with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as other:
            other.isolation_level = None
            other.execute("BEGIN EXCLUSIVE")
            yield

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """Take it away, and bring it back."""
        self.take_away()
        try:
            yield
        finally:
            self.bring_back()

    def bring_back(self) -> None:
        if self.server is not None:
            self.server.start()
        else:
            path = Path(self.url.removeprefix("sqlite:///"))
            path.parent.unlink()
            path.parent.with_name("away").rename(path.parent)


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


def a_minute_passes(folder: Path) -> None:
    """Let whoever waits after a failure try again."""
    with contextlib.suppress(FileNotFoundError):
        since = (folder / "away").stat().st_mtime
        os.utime(folder / "away", (time.time(), since - 60))


def texts(database: Database) -> list[str]:
    found = Ledger.at(database.url)
    written = [each.text for each in found.find(Search()) if isinstance(each, EventRecord)]
    found.close()
    return written
