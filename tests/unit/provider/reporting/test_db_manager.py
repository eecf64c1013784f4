"""``airflow db migrate`` makes the tables of the ledger, and ``airflow db reset`` leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow import settings
from airflow.utils.db_manager import RunDBManager
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from dirac_prodsys.ledger.database import is_current, migrate, open_engine
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.deployment.provider_info import get_provider_info
from dirac_prodsys.provider.reporting.db_manager import LedgerDBManager
from tests.unit.ledger.example_records import step


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"sqlite:///{tmp_path}/airflow.db"
    monkeypatch.setattr(settings, "SQL_ALCHEMY_CONN", found)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "airflow")
    return found


@pytest.fixture
def manager(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    engine = open_engine(url)
    monkeypatch.setattr(settings, "engine", engine)
    with Session(engine) as session:
        yield LedgerDBManager(session)
    engine.dispose()


def test_airflow_is_given_the_manager() -> None:
    (path,) = get_provider_info()["db-managers"]
    assert path == f"{LedgerDBManager.__module__}.{LedgerDBManager.__name__}"
    RunDBManager._validate(LedgerDBManager)


def test_a_new_database_gets_the_tables_of_this_package(manager: Any, url: str) -> None:
    manager.initdb()
    manager.session.rollback()  # it goes on to look at what was there before
    assert manager.check_migration()
    assert is_current(open_engine(url))


@pytest.mark.parametrize(
    ("word", "elsewhere"), [("", ""), ("off", ""), ("api", ""), ("", "sqlite:////srv/ledger.db")]
)
def test_a_ledger_elsewhere_leaves_airflows_database_alone(
    manager: Any, word: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", word)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", elsewhere)
    manager.initdb()
    manager.upgradedb()
    assert manager.check_migration()
    assert inspect(settings.engine).get_table_names() == []


def test_tables_that_a_task_made_are_taken_as_they_are(manager: Any, url: str) -> None:
    migrate(open_engine(url))
    manager.upgradedb()
    assert manager.check_migration()


def test_records_survive_a_reset(manager: Any, url: str) -> None:
    manager.initdb()
    ledger = Ledger.at(url)
    ledger.write([step(1)])
    with settings.engine.connect() as connection:
        manager.drop_tables(connection)
    manager.downgrade("0000")
    assert list(ledger.find(Search())) == [step(1)]
    ledger.close()
