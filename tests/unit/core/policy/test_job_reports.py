"""The table of jobs is sent when it changed, and not more often than the policy says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_prodsys.core.grid.jobs import JobState, job_report
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules
from dirac_prodsys.core.policy.job_reports import (
    PARAMETER,
    SentReport,
    digest_of,
    is_due,
    looked_at,
    may_be_new,
    of_jobs,
)

HOUR = 3600.0
RULES = StepRules(False, tasks=4, report_every=6 * HOUR)


def seen(**tasks: int) -> Snapshot:
    return Snapshot(7, "p__r__s", "MCSimulation", TransformationStatus.ACTIVE, tasks=tasks)


def report(failed: int, first: int = 1):
    jobs = [JobState(first + n, "Failed", "Stalled", "none", "LCG.A") for n in range(failed)]
    return job_report("Transformation: 7", [*jobs, JobState(first + 99, "Done", "Complete")])


def test_jobs_are_looked_at_when_one_has_ended_and_not_again_before_the_time() -> None:
    history = History()
    assert not may_be_new(seen(Running=4), RULES, history, 1e9)
    assert may_be_new(seen(Running=3, Failed=1), RULES, history, 1e9)
    assert not may_be_new(seen(Failed=1), replace(RULES, report_every=None), history, 1e9)
    assert not may_be_new(seen(Failed=1), replace(RULES, report_every=0), history, 1e9)
    history = looked_at(seen(Running=3, Failed=1), history, 1e9)
    assert not may_be_new(seen(Failed=2), RULES, history, 1e9 + 5 * HOUR)
    assert may_be_new(seen(Failed=2), RULES, history, 1e9 + 6 * HOUR)
    assert not may_be_new(seen(Running=2, Failed=1), RULES, history, 1e9 + 60 * HOUR)
    assert History.from_dict(history.to_dict()) == history


def test_only_another_table_is_sent_and_only_after_the_time() -> None:
    digest = digest_of(report(2))
    assert digest == digest_of(report(2, first=500))
    assert digest != digest_of(report(3))
    assert is_due(None, digest, 0, 6 * HOUR)
    last = SentReport(digest, 1e9, sent=True)
    assert not is_due(last, digest, 1e9 + 60 * HOUR, 6 * HOUR)
    assert not is_due(last, "other", 1e9 + 5 * HOUR, 6 * HOUR)
    assert is_due(last, "other", 1e9 + 6 * HOUR, 6 * HOUR)


def test_a_task_that_died_while_sending_sends_again() -> None:
    begun = SentReport("a", 1e9)
    assert is_due(begun, "a", 1e9 + 1, 6 * HOUR)
    assert not is_due(begun, "b", 1e9 + 1, 6 * HOUR)
    assert SentReport.from_text(begun.to_text()) == begun


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '"x"', "7"])
def test_what_is_no_record_of_a_table_counts_as_none(text: str) -> None:
    assert SentReport.from_text(text) is None


def test_the_parameter_is_one_that_dirac_takes() -> None:
    assert PARAMETER.isalpha()
    assert len(PARAMETER) <= 32


def test_the_notice_has_numbers_causes_and_the_table_as_html() -> None:
    notice = of_jobs(report(3), "make")
    assert notice.text.splitlines() == ["4 jobs: Done 1, Failed 3", "3 jobs: Failed: Stalled: none"]
    assert "<th>MinorStatus</th>" in notice.html
    assert notice.subject("bands", "r1") == "[bands: make] jobs (run r1)"
