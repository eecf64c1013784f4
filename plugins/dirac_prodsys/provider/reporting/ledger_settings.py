"""Reads where the ledger is, from Airflow's configuration, and opens it.

``[dirac_prodsys] ledger_url`` is empty (a SQLite file in Airflow's home) or a URL of SQLAlchemy.
``[dirac_prodsys] ledger`` is empty, or a word: ``airflow`` (Airflow's own database, which workers
reach through the API server), ``api`` (the URL's database, which workers reach through the API
server) or ``off``. The word is an option of its own: the URL is a secret, and Airflow hides the
value of a secret wherever it stands in a log.

Invariant: opening makes no connection. No URL and no secret is logged.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf

from dirac_prodsys.errors import LedgerUnavailable

if TYPE_CHECKING:
    from dirac_prodsys.ledger.delivery import Sink
    from dirac_prodsys.ledger.recorder import Recorder
    from dirac_prodsys.ledger.store import Ledger
    from dirac_prodsys.provider.reporting.background import BackgroundWriter

#: section and options of Airflow's configuration
SECTION = "dirac_prodsys"
LEDGER, URL, SPOOL, SECRET = "ledger", "ledger_url", "ledger_spool", "ledger_secret"
#: words of the first
OFF, API, AIRFLOW = "off", "api", "airflow"


def option(name: str) -> str:
    """Return an option of the ledger; empty: it is not set."""
    return str(conf.get(SECTION, name, fallback="") or "").strip()


def recorder() -> Recorder | None:
    """Return what the tasks of this process write their records to; None: nothing is recorded."""
    return _recorder(os.getpid(), option(LEDGER), option(URL), option(SPOOL))


def background() -> BackgroundWriter | None:
    """Return what the triggers of this process write to; None: nothing is recorded."""
    found = recorder()
    return None if found is None else _background(found)


@functools.lru_cache(maxsize=4)
def _background(recorder: Recorder) -> BackgroundWriter:
    from dirac_prodsys.provider.reporting.background import BackgroundWriter

    return BackgroundWriter(recorder)


@functools.lru_cache(maxsize=4)
def _recorder(_process: int, word: str, url: str, spool: str) -> Recorder | None:
    """Make it once for a process: a connection does not survive a fork."""
    if word == OFF:
        return None
    from dirac_prodsys.ledger.places import spool_folder
    from dirac_prodsys.ledger.recorder import Recorder
    from dirac_prodsys.ledger.spool import Spool

    folder = Path(spool) if spool else spool_folder()
    return Recorder(Spool(folder), functools.partial(_sink, word, url))


def _sink(word: str, url: str) -> Sink:
    from dirac_prodsys.ledger.api import ApiSink
    from dirac_prodsys.ledger.places import default_url
    from dirac_prodsys.ledger.store import Ledger

    if word in (API, AIRFLOW):
        return ApiSink(_api_address(), option(SECRET))
    if word:
        raise _unknown(word)
    return Ledger.at(url or default_url())


def _unknown(word: str) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"[{SECTION}] {LEDGER} is {word!r}", f"it is {AIRFLOW}, {API}, {OFF} or empty"
    )


def _api_address() -> str:
    """Return the address of the API server, as workers know it."""
    execution = str(conf.get("core", "execution_api_server_url", fallback="") or "")
    address = execution.rstrip("/").removesuffix("/execution")
    address = address or str(conf.get("api", "base_url", fallback="") or "")
    if not address:
        raise LedgerUnavailable(
            "workers do not know the API server's address",
            "set [core] execution_api_server_url or [api] base_url",
        )
    return address


def server_ledger() -> Ledger:
    """Return the ledger as the API server reaches it.

    :raises LedgerUnavailable: the configuration names none.
    """
    from dirac_prodsys.ledger.places import default_url
    from dirac_prodsys.ledger.store import Ledger

    word, url = option(LEDGER), option(URL)
    if word == OFF or (word == API and not url):
        raise LedgerUnavailable(
            f"[{SECTION}] {LEDGER} is {word} on the API server, and names no database",
            f"give the API server the URL of the database by {URL}, or let {LEDGER} be {AIRFLOW}",
        )
    if word == AIRFLOW:
        url = str(conf.get("database", "sql_alchemy_conn"))
    elif word and word != API:
        raise _unknown(word)
    return Ledger.at(url or default_url())
