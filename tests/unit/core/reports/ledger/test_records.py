"""Records have keys that follow from their content, and travel as JSON unchanged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from dirac_prodsys.core.reports.ledger.record import Record, moment
from dirac_prodsys.core.reports.ledger.records import (
    KINDS,
    ActionRecord,
    ActRecord,
    CountsRecord,
    DatasetRecord,
    JobRow,
    JobsRecord,
    RunRecord,
    StepRecord,
    StorageRecord,
    Stored,
    SummaryRecord,
    VerdictRecord,
    read_record,
)

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STEP: dict[str, Any] = {
    "at": AT,
    "vo": "sim",
    "production": "bands",
    "run": "r1",
    "step": "merge",
    "transformation": 7,
    "name": "bands__r1__merge",
}

EXAMPLES: tuple[Record, ...] = (
    RunRecord(at=AT, vo="sim", production="bands", run="r1", state="began", parameters={"n": 3}),
    StepRecord(**STEP, type="Merging", group_size=4, query={"step": "slices"}),
    ActRecord(**STEP, act="flush", phase="before", occasion="1"),
    CountsRecord(**STEP, status="Active", files={"Processed": 3}, tasks={"Done": 1}),
    JobsRecord(**STEP, rows=(JobRow(status="Done", site="A", total=2, cpu_seconds=3.5),)),
    StorageRecord(**STEP, files=2, bytes=9, elements={"SE": Stored(files=2, bytes=9)}),
    VerdictRecord(**STEP, verdict="wait", reason="3 of 4", cause="# of #"),
    ActionRecord(**STEP, action="stop", by="ana", phase="after", result="done"),
    DatasetRecord(**STEP, dataset="/sim/d", files=2, query={"a": 1}, frozen=True),
    SummaryRecord(at=AT, campaign="c", transformations=(285, 349), files=(421038, 376301)),
)


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: record.kind)
def test_a_record_travels_as_json_unchanged(record: Record) -> None:
    assert read_record(json.loads(record.to_json())) == record


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: record.kind)
def test_a_key_follows_from_the_content(record: Record) -> None:
    again = type(record)(**{**record.model_dump(), "key": ""})
    assert again.key == record.key
    assert record.key.startswith(f"{record.kind}-")


def test_what_is_done_once_has_one_key_whenever_it_is_written() -> None:
    late = {**STEP, "at": AT + timedelta(hours=1)}
    first = ActRecord(**STEP, act="flush", phase="before", occasion="1")
    assert ActRecord(**late, act="flush", phase="before", occasion="1").key == first.key
    assert ActRecord(**late, act="flush", phase="before", occasion="2").key != first.key
    assert ActRecord(**late, act="flush", phase="after", occasion="1").key != first.key


def test_an_observation_is_set_apart_by_its_moment_unless_it_has_an_occasion() -> None:
    late = {**STEP, "at": AT + timedelta(hours=1)}
    one, other = (CountsRecord(**each, status="Active") for each in (STEP, late))
    assert one.key != other.key
    final = [
        CountsRecord(**each, status="Active", final=True, occasion="complete")
        for each in (STEP, late)
    ]
    assert final[0].key == final[1].key


def test_every_kind_is_read_as_its_own_class() -> None:
    assert len(KINDS) == 16
    assert all(KINDS[kind].model_fields["kind"].default == kind for kind in KINDS)
    assert isinstance(read_record(EXAMPLES[3].to_dict()), CountsRecord)


def test_a_kind_and_fields_of_a_later_version_are_carried_on() -> None:
    data = {"kind": "weather", "at": "2030-01-01T00:00:00Z", "key": "weather-1", "sky": "clear"}
    assert read_record(data).to_dict() == data
    counts = {**EXAMPLES[3].to_dict(), "speed": 3}
    assert read_record(counts).to_dict() == counts


def test_moments_are_kept_in_utc() -> None:
    cest = datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert EXAMPLES[3].model_copy().at == RunRecord(at=cest, state="began").at
    assert RunRecord(at=cest, state="began").to_dict()["at"] == "2026-03-01T12:00:00Z"
    assert moment(0.0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        RunRecord(at=datetime(2026, 3, 1), state="began")  # noqa: DTZ001


def test_what_is_unknown_is_left_out_and_never_zero() -> None:
    assert "bytes" not in DatasetRecord(at=AT, dataset="/d", files=0).to_dict()
    assert DatasetRecord(at=AT, dataset="/d", files=0).to_dict()["files"] == 0


@pytest.mark.parametrize(("final", "since"), [(True, "Completed"), (False, "Active")])
def test_counts_from_just_before_a_step_was_completed_are_those_of_a_completed_one(
    final: bool, since: str
) -> None:
    counts = CountsRecord(at=moment(0), status="Active", final=final)
    assert (counts.status, counts.status_since) == ("Active", since)
