"""When a run ends, the summaries in the site's folder are written anew, and nobody waits for it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.reports.ledger.records import DatasetRecord, RunRecord
from dirac_prodsys.ledger.api import ROUTE
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.plugin import LEDGER_ROUTE, DiracProdsysPlugin
from dirac_prodsys.provider.reporting import ledger_route, summary_folder
from dirac_prodsys.provider.reporting.task_records import TaskRecords
from tests.unit.ledger.example_records import BEGIN, step, step_of

FILES = {
    f"{name}.{end}"
    for name in ("all", "production-bands", "campaign-prod_6_a")
    for end in ("md", "html", "json")
}
CAMPAIGN = "prod 6/a"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "www" / "productions"
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SUMMARY_FOLDER", str(found))
    return found


def ended() -> list[Any]:
    """The last records of a run, a dataset among them."""
    place = {"vo": "sim", "production": "bands", "run": "r1", "campaign": CAMPAIGN}
    dataset = DatasetRecord(
        at=BEGIN, dataset="/sim/d", files=5, frozen=True, **step_of(1, campaign=CAMPAIGN)
    )
    end = RunRecord(at=BEGIN + timedelta(hours=1), state="completed", **place)
    return [step(1, campaign=CAMPAIGN, dataset="/sim/d"), dataset, end]


def shown(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".lock")}


def test_summaries_of_the_production_of_its_campaign_and_of_all_are_written(
    ledger: Ledger, folder: Path
) -> None:
    ledger.write(ended())
    for _ in range(2):
        summary_folder.write_after_run("bands", CAMPAIGN)
    assert shown(folder) == FILES
    for name in FILES:
        assert "/sim/d" in (folder / name).read_text()
    (row,) = json.loads((folder / "production-bands.json").read_text())["rows"]
    assert (row["dataset"], row["files"]) == ("/sim/d", [5])


def test_the_last_task_of_a_run_writes_what_it_has_just_recorded(
    ledger: Ledger, folder: Path, production: Production
) -> None:
    TaskRecords({"run_id": "r1"}, production).run_ended("completed", [])
    summary_folder.write_after_run(production.name, "")
    assert (folder / f"production-{production.name}.html").is_file()


def test_the_api_server_writes_them_where_workers_may_not_read_the_ledger(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "api")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SECRET", "open sesame")
    summary_folder.write_after_run("bands", CAMPAIGN)
    assert not folder.exists()
    ledger_route._ledger.cache_clear()
    offered = next(
        one for one in DiracProdsysPlugin.fastapi_apps if one["url_prefix"] == LEDGER_ROUTE
    )
    app = FastAPI()
    app.mount(offered["url_prefix"], offered["app"])
    lines = [record.to_dict() for record in ended()]
    headers = {"Authorization": "Bearer open sesame"}
    with TestClient(app) as server:
        first = server.post(f"{ROUTE}/records", json={"records": lines[:2]}, headers=headers)
        assert first.status_code == 204
        assert not folder.exists()
        last = server.post(f"{ROUTE}/records", json={"records": lines[2:]}, headers=headers)
        assert last.status_code == 204
    ledger_route._ledger.cache_clear()
    assert shown(folder) == FILES


def test_a_folder_that_cannot_be_written_is_a_line_in_the_log(
    ledger: Ledger, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.write_text("no folder")
    summary_folder.write_after_run("bands", CAMPAIGN)
    assert "the summary is not written" in caplog.text


def test_a_ledger_that_hangs_keeps_the_task_for_a_bounded_time(
    ledger: Ledger,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(summary_folder, "server_ledger", answers.wait)
    monkeypatch.setattr(summary_folder, "SECONDS", 0.1)
    summary_folder.write_after_run("bands", CAMPAIGN)
    assert "the task does not wait for it" in caplog.text
    answers.set()


def test_without_a_folder_nothing_is_written(ledger: Ledger, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    summary_folder.write_after_run("bands", CAMPAIGN)
    assert set(tmp_path.rglob("*")) == before
