"""Writes records from an event loop, in a thread of its own.

A trigger shares its loop with a thousand others, and a disk takes its time.

Invariant: putting a record never waits. The thread is a daemon: a disk that hangs keeps no process
from ending. What piles up meanwhile is written as one batch.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.record import Record
    from dirac_prodsys.ledger.recorder import Recorder

log = logging.getLogger(__name__)

#: most batches that wait for a disk that hangs; later ones are dropped
_MOST = 20_000
#: seconds that the end of the process waits for what is not written yet
_LAST_SECONDS = 5.0


class BackgroundWriter:
    """Writes what is put, in order; lives as long as its process."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._queue: SimpleQueue[tuple[Record, ...]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        #: number of batches that are not written yet
        self._unwritten = 0

    def put(self, *batch: Record) -> None:
        """Let a batch be written soon."""
        if self._queue.qsize() >= _MOST:
            log.warning("%d records are dropped: the disk does not answer", len(batch))
            return
        with self._lock:
            self._unwritten += 1
            self._queue.put(batch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
                self._thread.start()
                atexit.register(self.drain, _LAST_SECONDS)

    def drain(self, seconds: float) -> bool:
        """Wait until all is written; return whether it is."""
        end = time.monotonic() + seconds
        while self._unwritten:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def _run(self) -> None:
        while True:
            batches = [self._queue.get()]
            with contextlib.suppress(Empty):
                while True:
                    batches.append(self._queue.get_nowait())
            self._recorder.write(*(record for batch in batches for record in batch))
            with self._lock:
                self._unwritten -= len(batches)
