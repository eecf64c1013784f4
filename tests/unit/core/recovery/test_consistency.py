"""Files, jobs and catalogue: every pair of words that does not fit, and what is certain of it."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.status import FileStatus, TaskStatus
from dirac_prodsys.core.recovery.consistency import (
    PATIENCE,
    Inconsistency,
    LiveTask,
    Readings,
    in_words,
    inconsistencies,
)
from dirac_prodsys.core.recovery.decisions import StrandedFile, TaskState


def of_file(status: str, task: str, outputs: Any, job: str = "") -> list[Inconsistency]:
    """One file, its task 7 with job 70, and what the catalogue has of its outputs."""
    return inconsistencies(
        Readings(
            files=[StrandedFile("/f", status, 7)],
            tasks={7: TaskState(7, task, 70)},
            outputs={7: outputs},
            jobs={70: JobState(70, job)} if job else {},
        )
    )


@pytest.mark.parametrize(
    ("status", "task", "outputs", "job", "kind", "certain"),
    [
        ("Processed", "Done", "all", "Done", None, False),
        ("Processed", "Done", "none", "Done", "processed_without_output", False),
        ("Processed", "Done", "some", "Done", "processed_without_output", False),
        ("Processed", "Done", "unknown", "Done", None, False),
        ("Processed", "Running", "none", "Running", "processed_without_output", False),
        ("Assigned", "Done", "all", "Done", "output_without_processed", True),
        ("Assigned", "Failed", "all", "Failed", "output_without_processed", True),
        ("Unused", "Failed", "all", "", "output_without_processed", True),
        ("MaxReset", "Failed", "all", "Failed", "output_without_processed", True),
        ("Problematic", "Done", "all", "Done", "output_without_processed", False),
        ("MissingInFC", "Done", "all", "Done", "output_without_processed", False),
        # the task may still take its outputs back
        ("Assigned", "Running", "all", "Running", None, False),
        # what the Transformation System has missed, job monitoring knows
        ("Assigned", "Running", "all", "Done", "output_without_processed", True),
        # a job that was rescheduled after its task was called Failed is at work
        ("Assigned", "Failed", "all", "Running", None, False),
        ("Assigned", "Failed", "none", "Failed", None, False),
        ("Unused", "Failed", "some", "Failed", None, False),
    ],
)
def test_a_file_its_task_and_its_outputs(
    status: str, task: str, outputs: Any, job: str, kind: str | None, certain: bool
) -> None:
    found = of_file(status, task, outputs, job)
    assert [one.kind for one in found] == ([kind] if kind else [])
    assert [one.file is not None for one in found] == ([certain] if kind else [])


@pytest.mark.parametrize("status", [*FileStatus])
def test_a_file_that_never_had_a_task_fits(status: FileStatus) -> None:
    assert inconsistencies(Readings(files=[StrandedFile("/f", status)], tasks={})) == []


def live(number: int, status: str = "Running", age: float = 0.0, *lfns: str) -> LiveTask:
    return LiveTask(TaskState(number, status, number * 10), lfns, age)


def test_a_file_in_two_live_tasks_is_reported_with_both_jobs() -> None:
    jobs = {n: JobState(n, "Running") for n in (10, 20, 30)}
    tasks = [live(1, "Running", 0, "/a", "/b"), live(2, "Waiting", 0, "/b"), live(3)]
    (found,) = inconsistencies(Readings(live=tasks, jobs=jobs))
    assert (found.kind, found.what, found.file) == ("two_live_tasks", "/b", None)
    assert "1 (job 10)" in found.detail
    assert "2 (job 20)" in found.detail


def test_a_live_task_whose_job_has_ended_holds_no_file() -> None:
    jobs = {10: JobState(10, "Failed"), 20: JobState(20, "Running")}
    tasks = [live(1, "Running", 0, "/b"), live(2, "Running", 0, "/b")]
    assert inconsistencies(Readings(live=tasks, jobs=jobs)) == []


@pytest.mark.parametrize(
    ("status", "age", "job", "orphan"),
    [
        ("Submitted", PATIENCE, "Done", True),
        ("Running", PATIENCE, "Failed", True),
        ("Running", PATIENCE, "Deleted", True),
        ("Running", PATIENCE, None, True),
        ("Running", PATIENCE - 1, None, False),
        ("Running", PATIENCE - 1, "Done", False),
        ("Running", PATIENCE, "Running", False),
        ("Running", PATIENCE, "Stalled", False),
        ("Waiting", 9 * PATIENCE, "Waiting", False),
        (TaskStatus.CREATED, 9 * PATIENCE, None, False),
        (TaskStatus.RESERVED, 9 * PATIENCE, None, False),
    ],
)
def test_a_task_that_nobody_works_on(status: str, age: float, job: Any, orphan: bool) -> None:
    jobs = {10: JobState(10, job)} if job else {}
    found = inconsistencies(Readings(live=[live(1, status, age)], jobs=jobs))
    assert [one.kind for one in found] == (["orphan_task"] if orphan else [])


def test_where_job_monitoring_was_not_asked_no_task_is_an_orphan() -> None:
    assert inconsistencies(Readings(live=[live(1, "Running", 9 * PATIENCE)], jobs=None)) == []


@pytest.mark.parametrize(
    ("status", "outputs", "needs_input", "wrong"),
    [
        ("Done", "none", False, True),
        ("Completed", "some", False, True),
        ("Done", "all", False, False),
        ("Done", "unknown", False, False),
        ("Failed", "none", False, False),
        ("Running", "none", False, False),
        ("Done", "none", True, False),
    ],
)
def test_a_task_without_input_that_is_done(
    status: str, outputs: Any, needs_input: bool, wrong: bool
) -> None:
    seen = Readings(
        tasks={7: TaskState(7, status, 70)}, outputs={7: outputs}, needs_input=needs_input
    )
    assert [one.kind for one in inconsistencies(seen)] == (["done_without_output"] if wrong else [])


def test_in_words_each_kind_is_a_line_with_a_few_names() -> None:
    files = [StrandedFile(f"/f{n}", "Processed", 7) for n in range(5)]
    found = inconsistencies(
        Readings(files=files, tasks={7: TaskState(7, "Done", 70)}, outputs={7: "none"})
    )
    (line,) = in_words(found)
    assert line.startswith(
        "5 files are Processed, and outputs of their task are missing: /f0 (task"
    )
    assert line.endswith("and 2 more")
