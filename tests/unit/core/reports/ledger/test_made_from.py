"""Records are made of what tasks know, unchanged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dirac_prodsys.core.grid.jobs import JobState, job_report
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy.notices import Notice
from dirac_prodsys.core.policy.verdict import Verdict
from dirac_prodsys.core.reports.ledger.made_from import (
    Place,
    campaign_of,
    counts_of,
    jobs_of,
    notice_of,
    step_of,
    verdict_of,
)
from tests.unit.core.writing import make, output, step

AT = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = Place("sim", "bands", "r1", "merge", 7, "bands__r1__merge", "prod6")


def test_a_place_travels_as_json() -> None:
    assert Place.from_dict({**PLACE.to_dict(), "later": 1}) == PLACE
    assert Place.from_dict({}) == Place()


def test_counts_are_those_of_the_snapshot() -> None:
    status = TransformationStatus.ACTIVE
    seen = Snapshot(8, "other", "Merging", status, {"Processed": 3}, {"Done": 1}, 4)
    found = counts_of(seen, PLACE, AT, final=True, occasion="0")
    assert (found.transformation, found.name, found.status) == (8, "other", "Active")
    assert (found.files, found.tasks, found.catalogue_files) == ({"Processed": 3}, {"Done": 1}, 4)
    assert (found.step, found.campaign, found.final) == ("merge", "prod6", True)


def test_verdicts_that_differ_in_numbers_have_one_cause() -> None:
    first, second = (Verdict("wait", f"{n} of 9 files", "no agent for 3 s") for n in (3, 4))
    one, other = verdict_of(first, PLACE, AT), verdict_of(second, PLACE, AT)
    assert one.same_as(other)
    assert (one.reason, one.alarm) == ("3 of 9 files", "no agent for 3 s")
    assert not one.same_as(verdict_of(Verdict("wait", "3 of 9 files"), PLACE, AT))


def test_jobs_are_rows_by_status_cause_and_site() -> None:
    jobs = [JobState(1, "Done", "", "", "A"), JobState(2, "Failed", "Stalled", "x", "B")]
    found = jobs_of(job_report("t", jobs, note="some"), PLACE, AT)
    assert [(row.status, row.minor, row.site, row.total) for row in found.rows] == [
        ("Done", "", "A", 1),
        ("Failed", "Stalled", "B", 1),
    ]
    assert (found.total, found.note) == (2, "some")


def test_a_notice_belongs_to_its_own_step() -> None:
    sent = Notice("stalled", ("agent",), "it stalls", "slices")
    assert notice_of(sent, PLACE, AT, ("a@b.c",)).step == "slices"


@pytest.mark.parametrize(
    ("tags", "campaign"),
    [((), ""), (("a", "campaign:prod6"), "prod6"), (("campaign:",), ""), (("campaign",), "")],
)
def test_a_tag_names_the_campaign(tags: tuple[str, ...], campaign: str) -> None:
    assert campaign_of(tags) == campaign


def test_a_step_knows_how_many_events_a_task_simulates() -> None:
    for given, expected in (({"events_per_task": 100}, 100), ({}, None)):
        plan = compile(
            make(sim=step("MCSimulation", tasks=9, output=output("sim"), **given)), run="r1"
        )
        record = step_of(plan.steps[0], Place(step="sim"), AT, adopted=False)
        assert (record.events_per_file, record.tasks) == (expected, 9)
