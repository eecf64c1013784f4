"""Carries records from the spool to the ledger: in order, each once.

Invariant: never longer than its time, and never an exception: what cannot be delivered waits.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import RefusedRecord

log = logging.getLogger(__name__)

#: seconds after a failure in which no process of the machine tries again
PAUSE = 30.0
#: most records that are delivered at once
_MOST = 1000
#: why nothing is tried
LATELY = "it failed a short while ago"
#: most seconds in which one call begins to deliver another batch
SECONDS = 2.0


class Sink(Protocol):
    """What takes records: the database, or the route of the API server."""

    def write(self, batch: Sequence[Record]) -> None:
        """Write records, in their order; those that are there stay.

        :raises ProdsysError: it cannot be done now; RefusedRecord: it never can.
        """


@dataclass(frozen=True)
class Delivered:
    """What a delivery came to.

    :param records: number delivered; :param waiting: number of files that wait.
    :param why: why some wait; empty: none do, or somebody else delivers.
    """

    records: int = 0
    waiting: int = 0
    why: str = ""


def deliver(
    spool: Spool,
    sink: Sink,
    *,
    seconds: float = SECONDS,
    pause: float = PAUSE,
    clock: Callable[[], float] = time.monotonic,
) -> Delivered:
    """Deliver what waits, the oldest first, until the time is over.

    :param pause: seconds after a failure in which it is not tried again; 0: always try.
    """
    try:
        with spool.delivering() as may:
            if not may:
                return Delivered()
            if pause and _failed_lately(spool, pause):
                return Delivered(waiting=len(spool.waiting()), why=LATELY)
            return _deliver(spool, sink, clock() + seconds, clock)
    except Exception as error:
        return Delivered(why=f"{type(error).__name__}: {error}")


def _deliver(spool: Spool, sink: Sink, end: float, clock: Callable[[], float]) -> Delivered:
    delivered, left = 0, spool.waiting()
    while left and clock() < end:
        paths, batch = _next_batch(spool, left)
        try:
            _write(spool, sink, batch)
        except ProdsysError as error:
            mark_failure(spool)
            return Delivered(delivered, len(left), error.reason)
        for path in paths:
            spool.done(path)
        delivered, left = delivered + len(batch), left[len(paths) :]
    if delivered:
        _forget_failure(spool)
    return Delivered(delivered, len(left), "there are more" if left else "")


def _next_batch(spool: Spool, left: Sequence[Path]) -> tuple[list[Path], list[tuple[Path, Record]]]:
    paths: list[Path] = []
    batch: list[tuple[Path, Record]] = []
    for path in left:
        with contextlib.suppress(FileNotFoundError):
            batch += [(path, record) for record in spool.read(path)]
        paths.append(path)
        if len(batch) >= _MOST:
            break
    return paths, batch


def _write(spool: Spool, sink: Sink, batch: Sequence[tuple[Path, Record]]) -> None:
    """Write a batch; if it is refused, one by one, so that a single record holds up no other."""
    try:
        sink.write([record for _, record in batch])
    except RefusedRecord:
        for path, record in batch:
            try:
                sink.write([record])
            except RefusedRecord as error:
                log.warning("a record is set aside in %s/refused: %s", spool.folder, error.reason)
                spool.refuse(record, path.name)


def _failed_lately(spool: Spool, pause: float) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - _mark(spool).stat().st_mtime < pause
    return False


def mark_failure(spool: Spool) -> None:
    """Let nobody on this machine try for a while: it failed."""
    with contextlib.suppress(OSError):
        _mark(spool).touch()
        os.utime(_mark(spool))


def _forget_failure(spool: Spool) -> None:
    with contextlib.suppress(OSError):
        _mark(spool).unlink(missing_ok=True)


def _mark(spool: Spool) -> Path:
    return spool.folder / "away"
