"""The ledger answers which runs there were and how they went, and makes room when asked."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from dirac_prodsys.core.reports.ledger.drift import ARCHIVED
from dirac_prodsys.core.reports.ledger.records import (
    ActRecord,
    DatasetRecord,
    EventRecord,
    RunRecord,
    VerdictRecord,
    read_record,
)
from dirac_prodsys.ledger.export import COLUMNS, write_csv, write_json
from dirac_prodsys.ledger.history import campaign, run_history, runs, steps
from dirac_prodsys.ledger.retention import old_records, superfluous_counts
from dirac_prodsys.ledger.store import Ledger, Search
from tests.unit.ledger.example_records import BEGIN, counts, event, step, step_of

RUN: dict[str, Any] = {"vo": "sim", "production": "bands", "run": "r1"}
LATER = BEGIN + timedelta(hours=3)


def run(state: Any, hours: float = 0.0, **more: Any) -> RunRecord:
    return RunRecord(at=BEGIN + timedelta(hours=hours), state=state, **{**RUN, **more})


def verdict(minute: int, cause: str) -> VerdictRecord:
    at = BEGIN + timedelta(minutes=minute)
    return VerdictRecord(at=at, verdict="wait", reason=f"{minute}", cause=cause, **step_of(1))


def test_runs_are_listed_with_their_end_the_newest_first(ledger: Ledger) -> None:
    ledger.write([run("began"), step(1), step(2), run("completed", 2)])
    ledger.write([run("began", 5, run="r2"), step(3, production="old", run="x")])
    found = [(row.production, row.run, row.state, row.steps) for row in runs(ledger)]
    assert found == [
        ("bands", "r2", "running", 0),
        ("old", "x", "imported", 1),
        ("bands", "r1", "completed", 2),
    ]
    assert [row.run for row in runs(ledger, Search(production="old"))] == ["x"]


def test_a_run_that_failed_and_was_cleared_has_its_last_end(ledger: Ledger) -> None:
    ledger.write([run("began"), run("failed", 1), run("completed", 3, occasion="1")])
    assert [row.state for row in runs(ledger)] == ["completed"]


def test_steps_have_their_last_counts_and_datasets(ledger: Ledger) -> None:
    older, newer = (
        DatasetRecord(at=BEGIN + timedelta(hours=n), dataset="/d", files=n, **step_of(1))
        for n in (1, 2)
    )
    ledger.write([step(1), step(2), counts(1, 9, 5), counts(1, 3, 2), older, newer])
    first, second = steps(ledger, Search(production="bands"))
    assert first.counts == counts(1, 9, 5)
    assert first.datasets == (newer,)
    assert (second.counts, second.datasets) == (None, ())


def test_the_story_of_a_run_has_each_change_of_a_verdict_once(ledger: Ledger) -> None:
    act = ActRecord(at=BEGIN, act="start", phase="after", **step_of(1))
    ledger.write([run("began"), step(1), act, event(2, **step_of(1)), counts(1, 1)])
    ledger.write([verdict(1, "a"), verdict(2, "a"), verdict(3, "b"), verdict(4, "a")])
    found = run_history(ledger, Search(production="bands"))
    assert found is not None
    kinds = [each.kind for each in found.story]
    assert kinds == ["run", "act", "event", "verdict", "verdict", "verdict"]
    assert [each.step.step for each in found.steps] == ["step1"]
    assert run_history(ledger, Search(production="unknown")) is None


def test_verdicts_of_two_waits_do_not_hide_each_other(ledger: Ledger) -> None:
    ledger.write([run("began"), step(1)])
    for minute, (wait, cause) in enumerate([("in", "a"), ("end", "b"), ("in", "a"), ("end", "b")]):
        one = verdict(minute, cause)
        ledger.write([VerdictRecord(**{**one.model_dump(), "wait": wait, "key": ""})])
    found = run_history(ledger, Search(production="bands"))
    assert found is not None
    waits = [each.wait for each in found.story if isinstance(each, VerdictRecord)]
    assert waits == ["in", "end"]


def test_a_run_is_not_longer_when_its_dataset_loses_files_years_later(ledger: Ledger) -> None:
    later = LATER + timedelta(days=1000)
    place = {**step_of(1), "dataset": "/d"}
    ledger.write([step(1), DatasetRecord(at=later, **place)])
    (row,) = runs(ledger)
    assert (row.began, row.last) == (BEGIN, BEGIN)
    ledger.write([DatasetRecord(at=later, **{**place, "production": "other", "dataset": "/e"})])
    assert {row.last for row in runs(ledger)} == {BEGIN, later}


def test_a_campaign_is_summarised_over_productions(ledger: Ledger) -> None:
    ledger.write([step(1, campaign="c"), step(2, production="p2", campaign="c"), step(3)])
    assert [each.step.production for each in campaign(ledger, "c")] == ["bands", "p2"]


def test_old_records_are_removed_but_not_what_says_how_data_came_about(ledger: Ledger) -> None:
    final = counts(1, 9).model_copy(update={"final": True, "key": "counts-final"})
    kept = [run("began"), step(1), final, DatasetRecord(at=BEGIN, dataset="/d", **step_of(1))]
    kept.append(EventRecord(at=BEGIN, word=ARCHIVED, text="by DIRAC", **step_of(1)))
    ledger.write([*kept, counts(1, 1), event(1), verdict(1, "a")])
    old = old_records(ledger, LATER)
    assert old.kinds == {"counts": 1, "event": 1, "verdict": 1}
    assert ledger.remove(old.keys) == 3
    assert {each.key for each in ledger.find(Search())} == {each.key for each in kept}
    assert old_records(ledger, BEGIN).keys == ()


def test_superfluous_counts_are_found_for_each_transformation(ledger: Ledger) -> None:
    ledger.write([counts(n, minute, minute) for n in (1, 2) for minute in range(0, 240, 10)])
    found = superfluous_counts(ledger, BEGIN + timedelta(days=10))
    assert found.kinds == {"counts": len(found.keys)}
    ledger.remove(found.keys)
    assert ledger.count(Search(transformation=1)) == ledger.count(Search(transformation=2)) == 5
    assert superfluous_counts(ledger, BEGIN + timedelta(days=10)).keys == ()


@pytest.mark.parametrize("odd", ["", 'a "b", c\nd'])
def test_an_export_has_every_record_with_all_its_fields(ledger: Ledger, odd: str) -> None:
    ledger.write([step(1), counts(1, 3), event(1, by=odd)])
    written = list(ledger.find(Search()))
    lines, table = io.BytesIO(), io.BytesIO()
    assert write_json(ledger.find(Search()), lines) == write_csv(ledger.find(Search()), table) == 3
    read = [read_record(json.loads(line)) for line in lines.getvalue().splitlines()]
    assert read == written
    rows = list(csv.DictReader(io.StringIO(table.getvalue().decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [read_record(json.loads(row["content"])) for row in rows] == written
