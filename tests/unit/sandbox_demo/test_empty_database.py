"""A new Airflow gets a copy of the empty database that was made first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.airflow import empty_database


def tables(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


def made_at(database: Path) -> list[Path]:
    """Make databases there, until one is a copy; return those that were made."""
    made: list[Path] = []

    def migrate() -> None:
        with closing(sqlite3.connect(database)) as connection:
            # as Airflow's: what is written is in the log beside the file
            connection.execute("PRAGMA journal_mode=wal")
            connection.execute("CREATE TABLE dag (dag_id TEXT)")
            connection.commit()
        made.append(database)

    empty_database.provide(database, migrate, database.parent / "kept")
    return made


def test_the_second_is_a_copy_of_the_first_and_not_of_what_it_became(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    assert made_at(first) == [first]
    with closing(sqlite3.connect(first)) as connection:
        connection.execute("CREATE TABLE later (number INTEGER)")
        connection.commit()
    assert made_at(second) == []
    assert tables(second) == ["dag"]


def test_one_that_could_not_be_made_is_not_kept(tmp_path: Path) -> None:
    def fail() -> None:
        sqlite3.connect(tmp_path / "broken.db").close()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        empty_database.provide(tmp_path / "broken.db", fail, tmp_path / "kept")
    assert made_at(tmp_path / "next.db") == [tmp_path / "next.db"]


def test_another_version_of_airflow_gets_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at(tmp_path / "first.db")
    monkeypatch.setattr(empty_database, "versions", lambda: "another")
    assert made_at(tmp_path / "second.db") == [tmp_path / "second.db"]
