"""From the dataset, the way leads back to the definition and its commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    CountsRecord,
    DatasetRecord,
    DefinitionRecord,
    JobRow,
    JobsRecord,
    PlanRecord,
    RunRecord,
    StepRecord,
    StorageRecord,
)
from dirac_prodsys.core.reports.provenance import Provenance, provenance

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUN: dict[str, Any] = {"vo": "sim", "production": "bands", "run": "r1"}
DATASET = "/sim/datasets/bands"


def at(step: str, number: int, hours: int = 0) -> dict[str, Any]:
    moment = AT + timedelta(hours=hours)
    return {
        **RUN,
        "at": moment,
        "step": step,
        "transformation": number,
        "name": f"bands__r1__{step}",
    }


def records() -> list[Record]:
    """A run of two steps with a dataset."""
    body = {"executable": "join-bands", "version": "1.2"}
    return [
        DefinitionRecord(at=AT, production="bands", digest="d1", text="…", commit="c0ffee"),
        DefinitionRecord(at=AT, production="bands", digest="d0", text="…", commit="older"),
        RunRecord(at=AT, state="began", by="ana", definition="d1", plan="p1", **RUN),
        PlanRecord(at=AT, digest="p1", definition="d1", plan={}, **RUN),
        StepRecord(**at("sim", 1), type="MCSimulation", tasks=3),
        StepRecord(**at("merge", 2), type="Merging", parents=("sim",), software=body),
        CountsRecord(**at("merge", 2, 1), status="Active", tasks={"Running": 2}),
        CountsRecord(**at("merge", 2, 2), status="Active", tasks={"Done": 2}, final=True),
        JobsRecord(**at("sim", 1, 2), rows=(JobRow(status="Done", total=3),)),
        StorageRecord(**at("merge", 2, 3), files=2, bytes=9),
        DatasetRecord(**at("merge", 2, 3), dataset=DATASET, files=2, frozen=True, checksum="abc"),
        ActionRecord(**at("merge", 2, 1), action="flush", by="bob", phase="after", result="done"),
    ]


def way_back(found: Provenance, name: str) -> set[str]:
    """All that something depends on."""
    seen: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            left += [target for _, source, target in found.relations if source == one]
    return seen


def test_the_way_leads_from_the_dataset_to_the_commit_and_the_software() -> None:
    found = provenance(records())
    back = way_back(found, f"dataset{DATASET}")
    assert {
        "files/bands/r1/merge",
        "transformation/bands__r1__merge",
        "job/bands/r1/merge",
        "files/bands/r1/sim",
        "transformation/bands__r1__sim",
        "run/bands/r1",
        "plan/p1",
        "definition/d1",
        "person/ana",
        "person/bob",
    } <= back
    assert found.things["definition/d1"].attributes["commit"] == "c0ffee"
    assert "definition/d0" not in found.things
    assert "join-bands" in str(found.things["job/bands/r1/merge"].attributes["body"])


def test_numbers_are_the_newest_and_belong_to_their_transformation() -> None:
    things = provenance(records()).things
    merge, sim = things["transformation/bands__r1__merge"], things["transformation/bands__r1__sim"]
    assert (merge.attributes["tasks.Done"], merge.end) == (2, AT + timedelta(hours=2))
    assert sim.attributes["jobs.Done"] == 3
    assert things["files/bands/r1/merge"].attributes == {"files": 2, "bytes": 9}
    assert things[f"dataset{DATASET}"].attributes["checksum"] == "abc"


def test_what_the_records_do_not_have_is_not_named() -> None:
    found = provenance(records()[4:6])
    assert all(a in found.things and b in found.things for _, a, b in found.relations)
    assert "run/bands/r1" not in found.things
