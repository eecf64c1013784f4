"""``dirac-prodsys history`` shows what the ledger holds, and removes nothing unasked."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from prov.model import ProvDocument
from pyarrow import parquet

from dirac_prodsys.cli.history.commands import FORMS
from dirac_prodsys.cli.history.opening import moment_of
from dirac_prodsys.cli.tables import shown, shown_of_grid
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    DatasetRecord,
    EventRecord,
    JobRow,
    JobsRecord,
    RunRecord,
    StorageRecord,
    Stored,
)
from dirac_prodsys.errors import DefinitionError
from dirac_prodsys.ledger.export import COLUMNS, FORMATS
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, Search
from tests.unit.ledger.example_records import BEGIN, counts, event, step, step_of

RUN: dict[str, Any] = {"vo": "sim", "production": "bands", "run": "r1"}
LATER = BEGIN + timedelta(hours=3)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    (tmp_path / "dirac_prodsys").mkdir()
    found = f"sqlite:///{tmp_path}/dirac_prodsys/ledger.db"
    monkeypatch.setenv("DIRAC_PRODSYS_LEDGER", found)
    ledger = Ledger.at(found)
    ledger.write([RunRecord(at=BEGIN, state="began", **RUN), step(1), counts(1, 9, 5)])
    dataset = DatasetRecord(at=LATER, dataset="/sim/d", files=5, **step_of(1))
    action = ActionRecord(
        at=LATER, action="stop", by="ana", reason="too many", phase="after", **step_of(1)
    )
    ledger.write([dataset, action, event(1), RunRecord(at=LATER, state="completed", **RUN)])
    ledger.close()
    yield found
    monkeypatch.undo()
    time.tzset()


def test_runs_are_listed_in_the_readers_zone(prodsys, url: str) -> None:
    text = prodsys("history", "list").stdout
    assert "bands" in text
    assert "completed" in text
    assert "2026-03-01 01:00 CET" in text
    (row,) = json.loads(prodsys("history", "list", "bands", "--json").stdout)["runs"]
    assert (row["run"], row["state"], row["steps"]) == ("r1", "completed", 1)
    assert row["began"] == "2026-03-01T00:00:00+00:00"
    assert json.loads(prodsys("history", "list", "other", "--json").stdout) == {"runs": []}


def test_a_run_is_shown_with_counts_dataset_and_who_did_what(prodsys, url: str) -> None:
    text = " ".join(prodsys("history", "show", "bands").stdout.split())
    assert "production bands, run r1: completed, 3 h" in text
    assert "step1 1 - Active" not in text
    assert "5 Processed" in text
    assert "/sim/d: 5 files" in text
    assert "ana after stop too many" in text
    found = json.loads(prodsys("history", "show", "bands", "--run", "r1", "--json").stdout)
    assert found["transformations"][0]["counts"]["files"] == {"Processed": 5}


def test_a_run_is_named_by_its_tag_or_by_its_id(prodsys, url: str) -> None:
    run_id = "manual__2026-03-01T10:00:00+00:00"
    ledger = Ledger.at(url)
    ledger.write([RunRecord(at=LATER, state="began", **{**RUN, "run": run_tag(run_id)})])
    ledger.close()
    for name in (run_id, run_tag(run_id)):
        shows = prodsys("history", "show", "bands", "--run", name, "--json").stdout
        assert json.loads(shows)["run"] == run_tag(run_id)
        lines = prodsys("history", "export", "bands", "--run", name).stdout.splitlines()
        assert len(lines) == 1


def test_an_unknown_run_is_refused_with_a_way_out(prodsys, url: str) -> None:
    result = prodsys("history", "show", "bands", "--run", "r9")
    assert result.exit_code == 3
    assert "knows no run of bands, run r9" in result.stderr
    assert "history list" in result.stderr


def test_where_there_is_no_ledger_none_is_made(prodsys, tmp_path: Path) -> None:
    result = prodsys("history", "--ledger", f"sqlite:///{tmp_path}/none.db", "list")
    assert result.exit_code == 3
    assert f"no ledger at {tmp_path}/none.db" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_records_are_exported(prodsys, url: str, tmp_path: Path) -> None:
    lines = prodsys("history", "export", "bands", "--kind", "step").stdout.splitlines()
    assert [json.loads(line)["step"] for line in lines] == ["step1"]
    file = tmp_path / "all.csv"
    assert prodsys("history", "export", "--format", "csv", "-o", str(file)).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text(), newline="")))
    assert len(rows) == Ledger.at(url).count(Search()) == 7
    assert not list(tmp_path.glob("*.unfinished"))


def as_exported(url: str) -> list[dict[str, Any]]:
    """The columns of all records, as an export has them."""
    return [
        {**{name: getattr(one, name) for name in COLUMNS[:-1]}, "content": one.to_json()}
        for one in Ledger.at(url).find(Search())
    ]


def test_parquet_holds_the_rows_of_the_other_formats_with_types(
    prodsys, url: str, tmp_path: Path
) -> None:
    ledger = Ledger.at(url)
    paris = timezone(timedelta(hours=2))
    odd = {**step_of(2), "production": 'bänds, "two"\n'}
    moment = datetime(2026, 3, 1, 2, 0, 0, 123456, tzinfo=paris)
    ledger.write([EventRecord(at=moment, word="test", text="ä" * 7_000, **odd)])
    ledger.close()
    files = {form: tmp_path / f"all.{form}" for form in FORMS}
    for form, file in files.items():
        assert prodsys("history", "export", "--format", form, "-o", str(file)).exit_code == 0
    table = parquet.read_table(files["parquet"])
    assert table.schema.field("at").type == arrow.timestamp("us", tz="UTC")
    assert table.schema.field("transformation").type == arrow.int64()
    assert {table.schema.field(name).type for name in ("key", "content")} == {arrow.string()}
    rows = table.to_pylist()
    assert rows == as_exported(url)
    assert datetime(2026, 3, 1, 0, 0, 0, 123456, tzinfo=UTC) in [row["at"] for row in rows]
    assert {row["transformation"] for row in rows} == {None, 1, 2}
    lines = files["json"].read_text().splitlines()
    assert [row["content"] for row in rows] == lines
    csv_rows = list(csv.DictReader(io.StringIO(files["csv"].read_bytes().decode(), newline="")))
    assert csv_rows == [
        {**row, "at": row["at"].isoformat(), "transformation": str(row["transformation"] or "")}
        for row in rows
    ]


def test_parquet_goes_through_a_pipe(url: str) -> None:
    command = [sys.executable, "-c", "from dirac_prodsys.cli.main import app; app()"]
    line = ["history", "export", "--format", "parquet"]
    done = subprocess.run([*command, *line], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert parquet.read_table(io.BytesIO(done.stdout)).to_pylist() == as_exported(url)


def test_without_pyarrow_the_extra_is_named_and_no_file_is_left(
    prodsys, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "all.parquet"
    result = prodsys("history", "export", "--format", "parquet", "-o", str(file))
    assert result.exit_code == 3
    assert "dirac-prodsys[parquet]" in result.stderr
    assert not list(tmp_path.glob("all.parquet*"))


def test_an_unknown_format_is_refused(prodsys, url: str) -> None:
    result = prodsys("history", "export", "--format", "xml")
    assert result.exit_code == 2
    assert "parquet, csv" in " ".join(result.stderr.split()) or "json, csv" in result.stderr


def test_nothing_is_removed_unasked(prodsys, url: str) -> None:
    found = json.loads(prodsys("history", "prune", "--before", "2026-03-02", "--json").stdout)
    assert found == {"kinds": {"counts": 1, "event": 1}, "removed": 0}
    assert Ledger.at(url).count(Search()) == 7
    assert "2 records removed" in prodsys("history", "prune", "--before", "1 day", "--yes").stdout
    assert Ledger.at(url).count(Search()) == 5
    assert prodsys("history", "prune").exit_code == 2


def test_what_waits_is_delivered(prodsys, url: str, tmp_path: Path) -> None:
    Spool(tmp_path / "dirac_prodsys" / "spool").add([event(7)])
    assert "1 records delivered" in prodsys("history", "deliver").stdout
    assert Ledger.at(url).count(Search()) == 8


@pytest.mark.parametrize(
    "line",
    [
        "list",
        "show bands",
        "export",
        "prune --thin",
        "deliver",
        "export --format csv",
        "import bands",
        "sweep",
    ],
)
def test_without_sqlalchemy_the_extra_is_named(
    prodsys, url: str, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("dirac_prodsys.ledger")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    result = prodsys("history", *line.split())
    assert result.exit_code == 3
    assert "dirac-prodsys[ledger]" in result.stderr


def test_the_formats_of_an_export_are_those_that_can_be_written() -> None:
    assert set(FORMS) == set(FORMATS)


def test_moments_are_meant_and_shown_in_the_zone_of_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    now = datetime(2026, 8, 1, tzinfo=UTC)
    assert moment_of("2026-03-01", now) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert moment_of("2026-07-01", now) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert shown(now) == "2026-08-01 02:00 CEST"
    assert shown_of_grid("2026-03-01 11:30:05") == "2026-03-01 12:30 CET"
    assert (shown_of_grid(""), shown_of_grid("soon")) == ("-", "soon")
    monkeypatch.undo()
    time.tzset()


def test_moments_are_read_as_people_write_them() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert moment_of("2 days", now) == datetime(2026, 4, 29, tzinfo=UTC)
    assert moment_of("2026-03-01T02:00+02:00", now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert shown(now).startswith("2026-0")
    with pytest.raises(DefinitionError, match="no moment"):
        moment_of("yesterday", now)


def test_provenance_is_prov_json_that_its_library_reads(
    prodsys, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bands.json"
    done = prodsys("history", "provenance", "bands", "--output", file)
    assert done.exit_code == 0, done.output
    document = ProvDocument.deserialize(str(file), format="json")
    kinds = {type(one).__name__ for one in document.get_records()}
    assert {"ProvEntity", "ProvActivity", "ProvAgent", "ProvGeneration", "ProvDerivation"} <= kinds
    labels = {str(one.label) for one in document.get_records() if one.is_element()}
    assert {"bands r1", "/sim/d", "ana"} <= labels
    assert prodsys("history", "provenance", "bands").stdout.strip() == file.read_text("utf-8")
    assert prodsys("history", "provenance", "none").exit_code == 3
    monkeypatch.setitem(sys.modules, "prov.model", None)
    lacking = prodsys("history", "provenance", "bands")
    assert lacking.exit_code == 3
    assert "dirac-prodsys[provenance]" in lacking.stderr


def test_a_run_is_shown_with_where_its_files_are_and_how_its_jobs_ended(prodsys, url: str) -> None:
    ledger = Ledger.at(url)
    for minute, failed in ((1, 0), (2, 3)):  # the last of each counts
        at = BEGIN + timedelta(minutes=minute)
        bad = JobRow(status="Failed", minor="Application", site="LCG.A.org", total=failed)
        good = JobRow(status="Done", total=5, cpu_seconds=7200, wall_seconds=9000)
        stored = {"DISK-SE": Stored(files=5 + failed, bytes=5_000_000_000)}
        ledger.write(
            [
                JobsRecord(at=at, rows=(good, bad), **step_of(1)),
                StorageRecord(at=at, files=5, elements=stored, **step_of(1)),
            ]
        )
    ledger.close()
    plain = prodsys("history", "show", "bands").stdout
    assert "DISK-SE: 8 files, 5.0 GB" in plain
    assert "Total: Failed" not in plain
    text = prodsys("history", "show", "bands", "--jobs").stdout
    assert "transformation 1 bands__r1__step1" in text
    assert "3 jobs: Failed: Application, most at LCG.A.org" in text
    assert "CPU time 2 h, wall 2 h" in text
    (one,) = json.loads(prodsys("history", "show", "bands", "--json").stdout)["transformations"]
    assert one["jobs"]["rows"][1]["total"] == 3
    assert one["storage"]["elements"]["DISK-SE"]["files"] == 8
