"""Takes records of tasks: onto the disk first, then on to the ledger.

Invariant: never in the way. :meth:`Recorder.write` raises nothing and takes seconds at most,
whatever happens to disk, network and database: a database that hangs, as one that is frozen or
behind a broken network may for hours, is left to a thread. A record that neither disk nor ledger
takes is kept in memory until the next one comes; if the process ends before, it is in the log.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.delivery import (
    LATELY,
    SECONDS,
    Delivered,
    Sink,
    deliver,
    mark_failure,
)
from dirac_prodsys.ledger.spool import Spool

T = TypeVar("T")

log = logging.getLogger(__name__)

#: seconds that a ledger which answers at all may take longer than it was given: it refuses a
#: connection, or gives up a statement, earlier by itself
HANG_SECONDS = 20.0

#: most records that are kept in memory, when neither disk nor ledger takes them
_MOST_PENDING = 10_000


class Recorder:
    """What tasks write their records to. Threads may share it.

    :param sink: opens the ledger; called when there is something to deliver. None: this machine
        only spools, and others deliver.
    """

    def __init__(self, spool: Spool, sink: Callable[[], Sink] | None) -> None:
        self._spool = spool
        self._open = sink
        self._sink: Sink | None = None
        self._pending: list[Record] = []
        self._adding, self._writing = threading.Lock(), threading.Lock()
        #: a question that the ledger did not answer in time
        self._hangs: threading.Thread | None = None
        self._why = ""

    def write(self, *batch: Record) -> None:
        """Keep records, and deliver what waits. Raises nothing."""
        try:
            taken = [record for record in batch if _is_writable(record)]
            with self._adding:
                self._pending += taken
            with self._writing:  # what others added while one wrote goes into one file
                self._spool_pending()
            self.deliver()
        except Exception as error:
            self._report(f"{type(error).__name__}: {error}")

    def waiting(self) -> bool:
        """Whether there are records that are not delivered."""
        try:
            return bool(self._pending or self._spool.waiting())
        except OSError:
            return False

    def deliver(self, seconds: float = SECONDS) -> Delivered:
        """Deliver what waits, as far as the time suffices. Raises nothing."""
        if self._open is None:
            return Delivered()
        try:
            open_, spool = self._open, self._spool

            def carry() -> Delivered:
                self._sink = self._sink or open_()
                return deliver(spool, self._sink, seconds=seconds)

            done = self._bounded(carry, seconds)
        except Exception as error:
            done = Delivered(why=f"{type(error).__name__}: {error}")
        if done.why != LATELY:
            self._report(done.why if done.waiting or not done.records else "")
        return done

    def _spool_pending(self) -> None:
        with self._adding:
            taken, self._pending = self._pending, []
        if not taken:
            return
        try:
            self._spool.add(taken)
        except Exception as error:
            self._without_disk(taken, error)

    def _without_disk(self, taken: Sequence[Record], error: Exception) -> None:
        """Deliver past the spool; what the ledger does not take either waits in memory."""
        try:
            if self._open is None:
                raise error
            open_ = self._open

            def write() -> None:
                self._sink = self._sink or open_()
                self._sink.write(taken)

            self._bounded(write, SECONDS)
        except Exception as other:
            with self._adding:
                self._pending = [*taken, *self._pending]
                lost, self._pending = (
                    self._pending[:-_MOST_PENDING],
                    self._pending[-_MOST_PENDING:],
                )
            for record in lost or taken:
                log.warning("this record is in this log alone for now: %s", record.to_json())
            self._report(f"{error}; {other}")

    def _bounded(self, ask: Callable[[], T], seconds: float) -> T:
        """Ask the ledger, and wait a bounded time for its answer.

        What does not answer is left behind: its thread ends with the process, and nobody delivers
        meanwhile, as it holds the lock of the spool.

        :raises LedgerUnavailable: it hangs, now or since an earlier question.
        """
        if self._hangs is not None and self._hangs.is_alive():
            raise LedgerUnavailable("the ledger hangs", _HINT)
        answers: list[T] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                answers.append(ask())
            except BaseException as error:
                errors.append(error)

        asking = threading.Thread(target=work, name="ledger delivery", daemon=True)
        asking.start()
        asking.join(min(seconds + HANG_SECONDS, threading.TIMEOUT_MAX))
        if errors:
            raise errors[0]
        if not answers:
            self._hangs = asking
            mark_failure(self._spool)
            raise LedgerUnavailable("the ledger hangs", _HINT)
        return answers[0]

    def _report(self, why: str) -> None:
        """Report once why records wait."""
        if why and why != self._why:
            log.warning("records of the ledger wait in %s: %s", self._spool.folder, why)
        self._why = why


_HINT = "records wait on the disk; look whether the database answers others"


def _is_writable(record: Record) -> bool:
    """Whether a record has a JSON form: one that has none would hold up all others for ever."""
    try:
        record.to_json()
    except Exception as error:
        log.warning("a %s cannot be recorded: %s: %s", record.kind, type(error).__name__, error)
        return False
    return True
