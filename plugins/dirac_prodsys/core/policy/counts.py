"""Computes the numbers of a snapshot that the rules use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    BAD_TASKS,
    FINAL_TASKS,
    GOOD_TASKS,
    FileStatus,
    TransformationStatus,
)
from dirac_prodsys.core.policy.rules import StepRules

#: While a transformation has one of these statuses, the Transformation System's agents work on it.
LIVE_TRANSFORMATION = frozenset(
    {
        TransformationStatus.ACTIVE,
        TransformationStatus.IDLE,
        TransformationStatus.FLUSH,
        TransformationStatus.COMPLETING,
    }
)

#: files that were attached once and have left the catalogue
GONE_FILES = frozenset({FileStatus.REMOVED, FileStatus.DELETED})


def attached_files(snapshot: Snapshot) -> int:
    """Count the attached files that have not left the catalogue."""
    return sum(n for status, n in snapshot.files.items() if status not in GONE_FILES)


def without_others(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with only those attached files that the query finds or has found."""
    if not snapshot.others:
        return snapshot
    own = {word: max(0, n - snapshot.others.get(word, 0)) for word, n in snapshot.files.items()}
    return replace(snapshot, files=own)


def unused_files(snapshot: Snapshot) -> int:
    """Count the files that no task has."""
    return snapshot.files.get(FileStatus.UNUSED, 0)


def assigned_files(snapshot: Snapshot) -> int:
    """Count the files that tasks have."""
    return snapshot.files.get(FileStatus.ASSIGNED, 0)


def vanished_files(snapshot: Snapshot) -> int:
    """Count the attached files beyond those that the catalogue finds; 0 if it was not asked."""
    if snapshot.catalogue_files is None:
        return 0
    return max(0, attached_files(snapshot) - snapshot.catalogue_files)


def good_tasks(snapshot: Snapshot) -> int:
    """Count the tasks that ended well."""
    return count(snapshot.tasks, GOOD_TASKS)


def bad_tasks(snapshot: Snapshot) -> int:
    """Count the tasks that ended badly."""
    return count(snapshot.tasks, BAD_TASKS)


def alive_tasks(snapshot: Snapshot) -> int:
    """Count the tasks that may still do something; tasks with an unknown status count."""
    return sum(snapshot.tasks.values()) - count(snapshot.tasks, FINAL_TASKS)


def at_work(snapshot: Snapshot) -> str:
    """Name the tasks that may still do something, by status.

    DIRAC's statuses stay apart: a task that waits for a site is not a task that runs at one.
    """
    return tally({word: n for word, n in snapshot.tasks.items() if word not in FINAL_TASKS})


def retryable(snapshot: Snapshot, rules: StepRules) -> int:
    """Count the files in failure states that the rules try again."""
    if rules.recovery.mode == "off":
        return 0
    states = rules.recovery.retried_states(rules.by_requests)
    return sum(snapshot.files.get(status, 0) for status in states)


def last_tries(snapshot: Snapshot, rules: StepRules) -> int:
    """Count the Assigned files on their last try, which the grid would take back nevertheless.

    The grid takes them back if their task fails (``MonitorFiles``).
    """
    if not _are_bounded(rules):
        return 0
    most, failed = rules.recovery.max_resets, snapshot.failed_files.get(FileStatus.ASSIGNED, {})
    never = assigned_files(snapshot) - sum(failed.values())
    again = sum(
        n for errors, n in failed.items() if errors >= most and errors % snapshot.reset_limit
    )
    return again + (never if most == 0 else 0)


def tried_enough(snapshot: Snapshot, rules: StepRules) -> int:
    """Count the Unused files that have failed more often than they may be tried again."""
    if not _are_bounded(rules):
        return 0
    failed = snapshot.failed_files.get(FileStatus.UNUSED, {})
    return sum(n for errors, n in failed.items() if errors > rules.recovery.max_resets)


def _are_bounded(rules: StepRules) -> bool:
    """Whether tries are bounded: the grid does not take back files of failed requests."""
    return rules.needs_input and rules.recovery.mode == "active" and not rules.by_requests


def count(counts: Mapping[str, int], wanted: frozenset[Any]) -> int:
    """Add up the counts of these statuses."""
    return sum(n for status, n in counts.items() if status in wanted)


def tally(counts: Mapping[str, int]) -> str:
    """Write the counts in words, sorted by name."""
    return ", ".join(f"{n} {status}" for status, n in sorted(counts.items()) if n)
