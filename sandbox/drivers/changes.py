"""Tells agents that take turns when to look again: when a row of the grid's databases changed.

All that an agent looks at is in a database. A look costs DIRAC some tens of milliseconds of
processor time, in the agent and in the services that it asks, whether there is something to see or
not; most looks of a test's grid see nothing. To ask MariaDB how many rows it ever wrote costs less
than one. So agents look again at once when that number grows, and seldom while it stays.

Invariant: who cannot ask looks as often as ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: seconds between two questions
_ASK_SECONDS = 0.2
#: a server that stands still answers nobody
_PATIENCE_SECONDS = 5
_ROWS = (
    "SHOW GLOBAL STATUS WHERE Variable_name IN"
    " ('Handler_write', 'Handler_update', 'Handler_delete')"
)


class Changes:
    """What a grid's databases have written.

    :param rows: returns the number of rows that were written; None: nobody knows.
    :param settled: seconds after a change in which agents look as ever: what they do next may
        depend on how long ago it was.
    """

    def __init__(self, rows: Callable[[], int | None], settled: float) -> None:
        self._rows = rows
        self._settled = settled
        self._seen: int | None = None
        self._changed = time.monotonic()

    def any(self) -> bool:
        """Ask whether there was a change since this was asked last."""
        rows = self._rows()
        changed = rows is None or rows != self._seen
        self._seen = rows
        if changed:
            self._changed = time.monotonic()
        return changed

    def wait(self, stop: threading.Event, least: float, most: float) -> None:
        """Wait, at least so long, and at most so long if nothing changes."""
        begin = time.monotonic()
        stop.wait(least)
        while not (stop.is_set() or self.any() or time.monotonic() - self._changed < self._settled):
            left = begin + most - time.monotonic()
            if left <= 0:
                return
            stop.wait(min(left, _ASK_SECONDS))


class RowCounter:
    """Asks a grid's MariaDB how many rows it ever wrote, by one connection.

    :param socket: the server's socket.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._connection: Any = None

    def __call__(self) -> int | None:
        """Return the number of rows that were inserted, changed and removed; None: no answer."""
        import MySQLdb

        try:
            if self._connection is None:
                self._connection = MySQLdb.connect(
                    unix_socket=str(self._socket),
                    user="root",
                    connect_timeout=_PATIENCE_SECONDS,
                    read_timeout=_PATIENCE_SECONDS,
                )
            cursor = self._connection.cursor()
            cursor.execute(_ROWS)
            return sum(int(number) for _name, number in cursor.fetchall())
        except MySQLdb.Error:
            self._connection = None
            return None
