"""Where the ledger is follows from Airflow's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.api import ApiSink
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.deployment.provider_info import get_provider_info
from dirac_prodsys.provider.reporting import ledger_settings
from tests.unit.ledger.example_records import step


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(section: str, **options: str) -> None:
        for name, value in options.items():
            monkeypatch.setenv(f"AIRFLOW__{section.upper()}__{name.upper()}", value)

    return given


def test_without_a_setting_it_is_a_file_in_airflows_home(
    configure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("dirac_prodsys", ledger="", ledger_url="")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    found = ledger_settings.recorder()
    assert found is not None
    found.write(step(1))
    assert (tmp_path / "dirac_prodsys" / "ledger.db").is_file()
    assert (tmp_path / "dirac_prodsys" / "spool").is_dir()


@pytest.mark.parametrize("word", ["api", "airflow"])
def test_workers_reach_it_through_the_api_server(configure: Any, word: str) -> None:
    configure("core", execution_api_server_url="https://airflow:8080/a/execution/")
    sink = ledger_settings._sink(word, "")
    assert isinstance(sink, ApiSink)
    assert str(sink._client.base_url) == "https://airflow:8080/a/dirac-prodsys/ledger/"


def test_the_api_server_writes_into_airflows_database_when_asked_to(
    configure: Any, tmp_path: Path
) -> None:
    configure("dirac_prodsys", ledger="airflow")
    configure("database", sql_alchemy_conn=f"sqlite:///{tmp_path}/airflow.db")
    ledger = ledger_settings.server_ledger()
    assert isinstance(ledger, Ledger)
    assert str(ledger.engine.url) == f"sqlite:///{tmp_path}/airflow.db"
    ledger.close()


@pytest.mark.parametrize("word", ["api", "off"])
def test_an_api_server_without_a_database_says_so(configure: Any, word: str) -> None:
    configure("dirac_prodsys", ledger=word)
    with pytest.raises(LedgerUnavailable, match=f"is {word} on the API server"):
        ledger_settings.server_ledger()


def test_a_word_that_is_unknown_stops_no_task_and_is_named(configure: Any) -> None:
    configure("dirac_prodsys", ledger="airflwo")
    assert ledger_settings.recorder() is not None
    for open_it in (ledger_settings.server_ledger, lambda: ledger_settings._sink("airflwo", "")):
        with pytest.raises(LedgerUnavailable, match="ledger is 'airflwo'"):
            open_it()


def test_a_word_is_no_secret_that_logs_would_hide() -> None:
    options = get_provider_info()["config"]["dirac_prodsys"]["options"]
    assert not options["ledger"].get("sensitive")
    assert options["ledger_url"]["sensitive"]
