"""Takes records of tasks: onto the disk first, then on to the ledger.

Invariant: never in the way. :meth:`Recorder.write` raises nothing and takes seconds at most,
whatever happens to disk, network and database. A record that neither disk nor ledger takes is
kept in memory until the next one comes; if the process ends before, it is in the log.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.ledger.delivery import LATELY, SECONDS, Delivered, Sink, deliver
from dirac_prodsys.ledger.spool import Spool

log = logging.getLogger(__name__)

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
            if self._sink is None:
                self._sink = self._open()
            done = deliver(self._spool, self._sink, seconds=seconds)
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
            self._sink = self._sink or self._open()
            self._sink.write(taken)
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

    def _report(self, why: str) -> None:
        """Report once why records wait."""
        if why and why != self._why:
            log.warning("records of the ledger wait in %s: %s", self._spool.folder, why)
        self._why = why


def _is_writable(record: Record) -> bool:
    """Whether a record has a JSON form: one that has none would hold up all others for ever."""
    try:
        record.to_json()
    except Exception as error:
        log.warning("a %s cannot be recorded: %s: %s", record.kind, type(error).__name__, error)
        return False
    return True
