"""Writes the summaries anew when a run has ended: ``[dirac_prodsys] summary_folder``.

For the production of the run, for its campaign, and for all: Markdown, a web page and JSON. Whoever
may read the ledger's database writes them: the last task of the run, or the API server, where
workers send it their records.

Invariant: never in the way: whatever fails here is one line in the log. A file is replaced when its
new text is complete, and is never older than the one before it: one process writes at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dirac_prodsys.provider.reporting.ledger_settings import (
    AIRFLOW,
    API,
    LEDGER,
    OFF,
    option,
    recorder,
    server_ledger,
)

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.record import Record
    from dirac_prodsys.ledger.store import Ledger, Search

log = logging.getLogger(__name__)

#: option that names the folder
FOLDER = "summary_folder"
#: seconds that a task waits for the summary, and before that for its records to be delivered
SECONDS, DELIVERY_SECONDS = 30.0, 5.0


def folder() -> Path | None:
    """Return the folder of the summaries; None: the deployment names none."""
    written = option(FOLDER)
    return Path(written) if written else None


def write_after_run(production: str, campaign: str) -> None:
    """Write the summaries of a run that has ended, in its last task. Raises nothing.

    Where workers may not reach the database, the API server does it instead.
    """
    place = folder()
    if place is None or option(LEDGER) in (API, AIRFLOW, OFF):
        return

    def work() -> None:
        _wait_for_delivery()
        _write_all(server_ledger(), place, {production} - {""}, {campaign} - {""})

    # a database or a disk that hangs keeps the task for so long, and no longer
    done = threading.Thread(target=_guarded, args=(work,), name="summary", daemon=True)
    done.start()
    done.join(SECONDS)
    if done.is_alive():
        log.warning("the summary in %s is not written yet: the task does not wait for it", place)


def write_after_records(ledger: Ledger, batch: Iterable[Record]) -> None:
    """Write the summaries if these records say that runs have ended. Raises nothing."""
    from dirac_prodsys.core.reports.ledger.records import RunRecord

    ended = [one for one in batch if isinstance(one, RunRecord) and one.state != "began"]
    place = folder()
    if place is None or not ended:
        return
    productions = {one.production for one in ended} - {""}
    campaigns = {one.campaign for one in ended} - {""}
    _guarded(lambda: _write_all(ledger, place, productions, campaigns))


def _guarded(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:
        log.warning("the summary is not written: %s: %s", type(error).__name__, error)


def _wait_for_delivery() -> None:
    """Wait until the records of this machine are in the ledger: the newest make the summary."""
    found, end = recorder(), time.monotonic() + DELIVERY_SECONDS
    while found is not None and found.waiting() and time.monotonic() < end:
        found.deliver()
        time.sleep(0.1)


def _write_all(ledger: Ledger, place: Path, productions: set[str], campaigns: set[str]) -> None:
    from dirac_prodsys.core.reports.summary.files import ALL, file_name
    from dirac_prodsys.ledger.store import Search

    with _alone(place):
        for one in sorted(productions):
            _write(ledger, place, file_name("production", one), one, Search(production=one))
        for one in sorted(campaigns):
            _write(ledger, place, file_name("campaign", one), one, Search(campaign=one))
        _write(ledger, place, ALL, "Datasets", Search())


def _write(ledger: Ledger, place: Path, name: str, title: str, search: Search) -> None:
    from dirac_prodsys.core.reports.summary.files import summary_files
    from dirac_prodsys.core.reports.summary.rows import summary_rows
    from dirac_prodsys.ledger.history import plot_records, summary_records

    rows = summary_rows(
        summary_records(ledger, search), production=search.production, campaign=search.campaign
    )
    drawn = plot_records(ledger, search)
    for file, text in summary_files(name, title, rows, drawn, datetime.now(UTC)).items():
        unfinished = place / f".{file}.{secrets.token_hex(4)}"
        try:
            unfinished.write_text(text, "utf-8")
            unfinished.replace(place / file)
        finally:
            unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Wait until no other process writes into the folder."""
    place.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
