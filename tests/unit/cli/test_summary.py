"""``dirac-prodsys summary`` prints the table of datasets from the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dirac_prodsys.core.reports.ledger.records import DatasetRecord
from dirac_prodsys.ledger.store import Ledger, Search
from tests.unit.core.reports.summary.seed_rows import page, records
from tests.unit.ledger.example_records import BEGIN, counts, step

DATASET = "/sim/datasets/bands"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setenv("DIRAC_PRODSYS_LEDGER", found)
    ledger = Ledger.at(found)
    made = step(1).model_copy(update={"dataset": DATASET})
    frozen = DatasetRecord(at=BEGIN, vo="sim", dataset=DATASET, files=5, bytes=9, frozen=True)
    ledger.write([*records(), made, counts(1, 9, 5), frozen])
    ledger.close()
    return found


def test_the_seventeen_rows_come_out_of_the_ledger_as_the_page(prodsys, url: str) -> None:
    shown = prodsys(
        "summary", "--campaign", "prod3b", "--community", "ctao", "--format", "markdown"
    )
    assert shown.exit_code == 0, shown.output
    lines = [line.strip("| ").split(" | ") for line in shown.stdout.splitlines()]
    assert [lines[0], *lines[2:]] == page()


def test_a_production_has_the_row_of_its_dataset(prodsys, url: str) -> None:
    (row,) = json.loads(prodsys("summary", "bands", "--json").stdout)["rows"]
    assert (row["dataset"], row["files"], row["status"]) == (DATASET, [5], "Active")
    text = prodsys("summary").stdout
    assert "Paranal_gamma_South" in text
    assert DATASET in text
    assert len(text.splitlines()) == 19


def test_a_comment_is_shown_and_the_newest_counts(prodsys, url: str) -> None:
    for text in ("suspicious", "it was a site"):
        assert prodsys("history", "comment", DATASET, text, "--by", "ana").exit_code == 0
    assert prodsys("history", "comment", "Paranal_gamma_South", "old").exit_code == 0
    rows = json.loads(prodsys("summary", "--json").stdout)["rows"]
    comments = {row["dataset"]: row["comment"] for row in rows if row["comment"]}
    assert comments[DATASET] == "it was a site"
    assert comments["Paranal_gamma_South"] == "old"
    ledger = Ledger.at(url)
    kept = [one.to_dict() for one in ledger.find(Search(("comment",)))]
    assert [(one["text"], one.get("by")) for one in kept][:2] == [
        ("suspicious", "ana"),
        ("it was a site", "ana"),
    ]
    ledger.close()


def test_a_comment_on_nothing_is_refused(prodsys, url: str) -> None:
    result = prodsys("history", "comment", "/sim/datasets/none", "text")
    assert result.exit_code == 3
    assert "hint:" in result.stderr


def test_a_page_replaces_the_one_before_at_once(prodsys, url: str, tmp_path: Path) -> None:
    file = tmp_path / "summary.html"
    file.write_text("old")
    done = prodsys("summary", "--format", "html", "--output", file)
    assert done.exit_code == 0, done.output
    text = file.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "<svg" in text  # the course of the step
    assert sorted(path.name for path in tmp_path.iterdir() if "html" in path.name) == [file.name]


def test_an_unknown_production_or_community_is_refused(prodsys, url: str) -> None:
    assert prodsys("summary", "none").exit_code == 3
    assert prodsys("summary", "--community", "none").exit_code == 2
