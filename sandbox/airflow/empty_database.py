"""Gives a new Airflow its empty database: a copy of the one that was made first.

``airflow db migrate`` takes four seconds of processor time, and always makes the same. What it made
is kept in ``.cache`` of this repository, under the versions of Airflow and its providers.

Invariant: a kept database is complete, and holds nothing of any Airflow that ran.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sandbox.configuration.environment import REPOSITORY

KEPT = REPOSITORY / ".cache" / "airflow"


def versions() -> str:
    """Return a digest of what decides how the tables look."""
    found = {
        f"{distribution.name}=={distribution.version}"
        for distribution in importlib.metadata.distributions()
        if distribution.name.lower().startswith(("apache-airflow", "sqlalchemy"))
    }
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()[:16]


def provide(database: Path, migrate: Callable[[], object], kept: Path = KEPT) -> bool:
    """Make the database, or copy the one that was made before.

    :param database: the SQLite file; it does not exist yet.
    :param migrate: makes it.
    :param kept: folder of databases to copy.
    :returns: whether it was made now.
    """
    kept.mkdir(parents=True, exist_ok=True)
    template = kept / f"{versions()}.db"
    # who comes second waits: a copy is cheaper than making another
    with template.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if template.exists():
            _copy(template, database)
            return False
        migrate()
        part = template.with_suffix(f".{os.getpid()}.part")
        _copy(database, part)
        part.replace(template)
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy by SQLite itself: a part may still be in the write-ahead log."""
    with (
        contextlib.closing(sqlite3.connect(source)) as whole,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        whole.backup(copy)
