"""Turns what is seen and remembered into a verdict.

Invariant: a pure function. A status counts as an end only if DIRAC says so; files and tasks decide.
What a person did in DIRAC is accepted and reported, never undone.
"""

from __future__ import annotations

from dataclasses import replace

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION, FileStatus
from dirac_prodsys.core.policy.counts import (
    LIVE_TRANSFORMATION,
    alive_tasks,
    assigned_files,
    attached_files,
    bad_tasks,
    good_tasks,
    last_tries,
    retryable,
    tally,
    tried_enough,
    unused_files,
    without_others,
)
from dirac_prodsys.core.policy.files import by_files, by_input
from dirac_prodsys.core.policy.history import History, remember, what_is_compared
from dirac_prodsys.core.policy.patience import impatient
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.policy.tasks import by_tasks
from dirac_prodsys.core.policy.verdict import Verdict

#: quiet times between two looks into failures
_LOOKS_APART = 5


def judge(
    snapshot: Snapshot,
    rules: StepRules,
    history: History,
    *,
    now: float,
    quiet_seconds: float,
    inputs_final: bool,
) -> tuple[Verdict, History]:
    """Return the verdict on a transformation, and what to remember until the next look.

    The returned history does not count an action that is only advised: whoever carries it out
    stores :meth:`History.flushed` or :meth:`History.looked_into`.

    :param now: seconds of any steady clock that outlives restarts.
    :param quiet_seconds: for this long nothing may have been attached: two cycles of the
        InputDataAgent.
    :param inputs_final: whether no more input files will be made (all parents are complete).
    """
    if rules.listed is not None:
        snapshot = snapshot.with_catalogue(rules.listed)
    seen = remember(snapshot, rules, history, now=now, inputs_final=inputs_final)
    verdict = _by_status(snapshot)
    if verdict is None and rules.ready_at:
        verdict = _by_share(snapshot, rules)
    if verdict is not None:
        return verdict, seen
    declared, rules = rules, _as_it_stands(snapshot, rules)
    snapshot = _with_comparison(snapshot, seen)
    verdict = _by_failures(snapshot, rules, seen, now, quiet_seconds)
    if verdict is None and not rules.needs_input:
        verdict = by_tasks(snapshot, rules)
    own = without_others(snapshot)
    if verdict is None:
        quiet = now - seen.unchanged_since
        verdict = by_input(own, quiet, quiet_seconds, inputs_final)
    settled = verdict is None
    if verdict is None:
        verdict = by_files(own, rules, seen)
        if verdict.kind in ("complete", "fail") and seen.failed_since is not None:
            verdict = Verdict("wait", f"{verdict.reason}; some are to be tried again first")
        elif verdict.kind == "fail" and _may_be_back(own, rules, seen):
            verdict = Verdict("recover", f"{verdict.reason}; looking once more before it fails")
        elif verdict.kind == "fail" and seen.asked:
            verdict = Verdict("wait", verdict.reason)  # with an alarm, see `impatient`
    if verdict.kind == "wait":
        verdict = impatient(
            verdict,
            snapshot,
            rules,
            seen,
            now=now,
            quiet_seconds=quiet_seconds,
            inputs_final=inputs_final,
            settled=settled,
        )
    if rules is not declared and not verdict.alarm:
        differs = f"GroupSize is {rules.group_size:g} in DIRAC, and {declared.group_size:g} here"
        verdict = replace(verdict, alarm=f"{differs}: somebody changed it, and it is kept")
    return verdict, seen.telling(verdict.alarm)


def needs_catalogue(
    snapshot: Snapshot,
    rules: StepRules,
    history: History,
    inputs_final: bool,
    *,
    now: float | None = None,
    quiet_seconds: float = 0.0,
) -> bool:
    """Whether the verdict depends on a number that only the catalogue knows.

    False as long as something else requires "wait" anyway, so that waiting costs no further call.

    :param now: with ``quiet_seconds``, as for :func:`judge`; without it the quiet time is left out.
    """
    if rules.listed is not None or rules.ready_at:
        return False
    if not (rules.needs_input and inputs_final and snapshot.status in LIVE_TRANSFORMATION):
        return False
    if history.attached != attached_files(snapshot):
        return False
    if now is not None and now - history.unchanged_since < quiet_seconds:
        return False
    return unused_files(snapshot) > 0 or not assigned_files(snapshot)


def needs_comparison(
    snapshot: Snapshot, rules: StepRules, history: History, *, now: float, quiet_seconds: float
) -> bool:
    """Whether the attached files must be compared one by one with those that the query finds.

    Their numbers are not enough: a plugin of the site may have attached other files. The comparison
    is made once before anything is decided, and again when something has changed.
    """
    if rules.by_requests or snapshot.catalogue_files is None:
        return False
    if attached_files(snapshot) < snapshot.catalogue_files:
        return False
    if history.compared != what_is_compared(snapshot):
        return True
    return history.unattached > 0 and now - history.compared_at >= quiet_seconds


def _with_comparison(snapshot: Snapshot, seen: History) -> Snapshot:
    """Add the result of the last comparison, if nothing it depends on has changed."""
    if snapshot.unattached is not None or seen.compared != what_is_compared(snapshot):
        return snapshot
    return snapshot.compared(seen.unattached, seen.others)


def _as_it_stands(snapshot: Snapshot, rules: StepRules) -> StepRules:
    """Apply the current group size: a person may have changed it, and agents use the new one."""
    size = snapshot.group_size
    if not rules.group_size or not size or size == rules.group_size:
        return rules
    return replace(rules, group_size=size, leaves_rests=size > 1)


def _by_status(snapshot: Snapshot) -> Verdict | None:
    status, label = snapshot.status, f"transformation {snapshot.id} ({snapshot.name})"
    if status in REMOVED_TRANSFORMATION:
        return Verdict("fail", f"{label} was removed in DIRAC: its status is {status}")
    if status in ENDED_TRANSFORMATION:
        counts = tally(snapshot.files) or tally(snapshot.tasks) or "no counts are left"
        return Verdict("complete", f"{label} was completed in DIRAC: {status} ({counts})")
    if status not in LIVE_TRANSFORMATION:
        return Verdict("wait", f"{label} is {status}: nothing runs until it is Active")
    return None


def _by_share(snapshot: Snapshot, rules: StepRules) -> Verdict:
    """Whether enough is done for other steps to begin; steps that have begun are not judged."""
    if rules.needs_input:
        done, total = snapshot.files.get(FileStatus.PROCESSED, 0), attached_files(snapshot)
    else:
        done = good_tasks(snapshot)
        total = sum(snapshot.tasks.values()) if rules.tasks is None else rules.tasks
    progress = f"{done} of {total} {'files' if rules.needs_input else 'tasks'} are done"
    if total and done >= rules.ready_at * total:
        return Verdict("complete", f"{progress}, {rules.ready_at:.0%} were waited for")
    return Verdict("wait", f"{progress}, {rules.ready_at:.0%} are waited for")


def _may_be_back(snapshot: Snapshot, rules: StepRules, seen: History) -> bool:
    """Whether files that may not be lost have not been looked at since the last change.

    DIRAC itself never looks again for a file that it has once called MissingInFC
    (``TransformationAgent``, 9.1). And a file that was kept from another try may have been
    processed by its last task, although that task failed.
    """
    given_up = snapshot.failed_files.get(FileStatus.MAX_RESET, {})
    barred = any(errors > snapshot.reset_limit for errors in given_up)
    missing = snapshot.files.get(FileStatus.MISSING_IN_FC, 0) > 0
    looked = seen.looked and seen.looked >= seen.progress_since
    return (missing or barred) and rules.recovery.mode != "off" and not looked


def _by_failures(
    snapshot: Snapshot, rules: StepRules, seen: History, now: float, quiet_seconds: float
) -> Verdict | None:
    """Recover files of failed tasks, once the Transformation System had time to take them back.

    Files that it must not take back or hand out any more are looked into at once.
    """
    if (last := last_tries(snapshot, rules)) > seen.handled_last:
        return Verdict("recover", f"{last} files are tried for the last time")
    if (enough := tried_enough(snapshot, rules)) > seen.handled_enough:
        return Verdict("recover", f"{enough} files are Unused and were tried often enough")
    if rules.recovery.mode == "off" or not rules.needs_input or seen.failed_since is None:
        return None
    if now - seen.failed_since < quiet_seconds:
        return None
    soon = seen.looked and now - seen.looked < _LOOKS_APART * quiet_seconds
    if soon and alive_tasks(snapshot):
        return None  # where jobs fail all the time, they are looked into now and then
    failed = bad_tasks(snapshot) - seen.handled_tasks
    found = []
    assigned, unused = assigned_files(snapshot), unused_files(snapshot)
    if failed > 0 and assigned + unused:
        also = f", {unused} Unused" if unused else ""
        found.append(f"{failed} tasks failed while {assigned} files are Assigned{also}")
    if (files := retryable(snapshot, rules)) > seen.handled_files:
        found.append(f"{files} files are to be tried again")
    return Verdict("recover", "; ".join(found)) if found else None
