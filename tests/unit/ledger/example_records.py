"""Records for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dirac_prodsys.core.reports.ledger.records import CountsRecord, EventRecord, StepRecord

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def step_of(number: int, production: str = "bands", run: str = "r1", **more: Any) -> dict[str, Any]:
    """What places a record in a step."""
    name = f"{production}__{run}__step{number}"
    place = {"vo": "sim", "production": production, "run": run, "step": f"step{number}"}
    return {**place, "transformation": number, "name": name, **more}


def step(number: int, **more: Any) -> StepRecord:
    return StepRecord(at=BEGIN, **step_of(number, **more))


def counts(number: int, minute: int, done: int = 0, **more: Any) -> CountsRecord:
    at = BEGIN + timedelta(minutes=minute)
    place = step_of(number, **more)
    return CountsRecord(at=at, status="Active", files={"Processed": done}, **place)


def event(number: int, by: str = "", **more: Any) -> EventRecord:
    """The record of that number of a writer."""
    at = BEGIN + timedelta(seconds=number)
    return EventRecord(at=at, word="test", text=f"{by} {number}", **more)
