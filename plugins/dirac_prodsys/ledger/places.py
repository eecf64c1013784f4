"""Says where ledger and spool are when nothing is configured: in Airflow's home."""

from __future__ import annotations

import os
from pathlib import Path


def airflow_home() -> Path:
    """Return Airflow's home, as Airflow finds it."""
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()


def default_url() -> str:
    """Return the URL of the SQLite file."""
    return f"sqlite:///{airflow_home() / 'dirac_prodsys' / 'ledger.db'}"


def spool_folder() -> Path:
    """Return the folder of records that are not delivered yet."""
    return airflow_home() / "dirac_prodsys" / "spool"
