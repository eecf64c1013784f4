"""A run of two steps, as records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CountsRecord,
    RunRecord,
    StepRecord,
    VerdictRecord,
)

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def place(step: str = "", number: int | None = None, **more: Any) -> dict[str, Any]:
    name = f"bands__r1__{step}" if step else ""
    own = {"vo": "sim", "production": "bands", "run": "r1", "step": step}
    return {**own, "transformation": number, "name": name, **more}


def began(minutes: float = 100, **more: Any) -> RunRecord:
    return RunRecord(at=ago(minutes), state="began", run_id="r1", by="alice", **place(), **more)


def make(**more: Any) -> StepRecord:
    return StepRecord(
        at=ago(99),
        type="MCSimulation",
        tasks=14,
        events_per_file=1000,
        **place("make", 1),
        **more,
    )


def merge(**more: Any) -> StepRecord:
    query = {"step": {"=": "make"}}
    return StepRecord(
        at=ago(98), type="Merging", parents=("make",), query=query, **place("merge", 2), **more
    )


def counts(step: str, number: int, minutes: float, status: str = "Active", **given: Any) -> Record:
    return CountsRecord(at=ago(minutes), status=status, **given, **place(step, number))


def verdict(minutes: float, reason: str, **more: Any) -> VerdictRecord:
    given = {"verdict": "wait", "reason": reason, "cause": reason, "wait": "merge.wait", **more}
    return VerdictRecord(at=ago(minutes), **given, **place("merge", 2))


def course() -> list[Record]:
    """The first step goes well; the second has begun."""
    found: list[Record] = [began(), make(), merge()]
    found += [
        counts("make", 1, 90 - 5 * n, tasks={"Done": n, "Running": 14 - n}) for n in range(15)
    ]
    found += [
        counts("merge", 2, 60 - 4 * n, files={"Processed": n, "Assigned": 2}, tasks={"Running": 1})
        for n in range(11)
    ]
    return found
