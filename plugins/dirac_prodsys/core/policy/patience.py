"""Reports waits that last too long, and gives a step up where the policy says so.

Invariant: an alarm changes nothing: the wait goes on, and it also goes on when a missing agent
comes back. In particular, a flush that the TransformationAgent does not carry out is not repeated.
"""

from __future__ import annotations

from dataclasses import replace

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TaskStatus, TransformationStatus
from dirac_prodsys.core.policy.counts import (
    alive_tasks,
    assigned_files,
    attached_files,
    tally,
    unused_files,
)
from dirac_prodsys.core.policy.files import enough_files, processed_of
from dirac_prodsys.core.policy.history import History
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.policy.tasks import enough_tasks
from dirac_prodsys.core.policy.verdict import Verdict

#: cycles of its agent after which a flush is late; the quiet time is two cycles
FLUSH_CYCLES = 3

#: quiet times after which files are looked into if all their tasks have ended
_ORPHANED_AFTER = 5

#: quiet times after which files are flushed that the TransformationAgent does not look at
_FORGOTTEN_AFTER = 5

_SUBMITTED = frozenset({TaskStatus.SUBMITTED, TaskStatus.SUBMITTING})
_AT_SITES = frozenset(
    {TaskStatus.MATCHED, TaskStatus.RUNNING, TaskStatus.COMPLETING, TaskStatus.STALLED}
)
_NEW = frozenset({TaskStatus.CREATED, TaskStatus.RESERVED})


def impatient(
    verdict: Verdict,
    snapshot: Snapshot,
    rules: StepRules,
    seen: History,
    *,
    now: float,
    quiet_seconds: float,
    inputs_final: bool,
    settled: bool,
) -> Verdict:
    """Return the verdict that replaces "wait" when nothing has changed for long.

    :param settled: whether all inputs are attached and no more can come.
    """
    idle = now - seen.progress_since
    if inputs_final and rules.give_up_after is not None and idle >= rules.give_up_after:
        return _give_up(snapshot, rules, idle)
    if seen.flushing_since is not None:
        late = now - seen.flushing_since
        if late >= FLUSH_CYCLES * quiet_seconds / 2:
            return replace(
                verdict,
                alarm=f"the TransformationAgent seems down: {unused_files(snapshot)} files are "
                f"Unused and the status has been Flush for {late:.0f} s",
                about="stalled",
            )
    if _look_is_due(snapshot, rules, seen, now, quiet_seconds):
        return Verdict(
            "recover", f"nothing moved for {idle:.0f} s ({verdict.reason}): asking for the jobs"
        )
    if settled and idle >= _FORGOTTEN_AFTER * quiet_seconds and _forgotten(snapshot, rules, seen):
        return Verdict(
            "flush",
            f"{unused_files(snapshot)} files have been Unused for {idle:.0f} s, and the "
            "TransformationAgent looks at as many again only after hours (NoUnusedDelay): flush "
            f"{seen.flushes + 1}",
        )
    if seen.asked:
        alarm = f"{seen.asked} files wait for a person's decision ({verdict.reason})"
        question = verdict.question or ("files" if rules.recovery.mode == "active" else "")
        return replace(verdict, alarm=alarm, about="needs_person", question=question)
    if idle >= rules.stall_after and (silent := standing_still(snapshot, rules)):
        alarm = f"nothing moved for {idle:.0f} s: {silent}"
        return replace(verdict, alarm=alarm, about="stalled")
    return verdict


def _forgotten(snapshot: Snapshot, rules: StepRules, seen: History) -> bool:
    """Check for Unused files that need nothing but a look of the TransformationAgent.

    It remembers how many files it could make no task of, for example because one of them was given
    up in that moment, and then looks at as many others only after ``NoUnusedDelay``, unless the
    status is Flush (``TransformationAgent._getTransformationFiles``). A plugin that leaves no rest
    makes the same tasks of them with a flush as without.
    """
    return (
        rules.needs_input
        and rules.flush == "auto"
        and not rules.leaves_rests
        and not rules.by_requests
        and snapshot.status is TransformationStatus.ACTIVE
        and unused_files(snapshot) > 0
        and not assigned_files(snapshot)
        and seen.flushes < rules.max_flushes
    )


def standing_still(snapshot: Snapshot, rules: StepRules) -> str:
    """Name the agent that has work and does not do it; empty if there is nothing to do."""
    submitter = "RequestTaskAgent" if rules.by_requests else "WorkflowTaskAgent"
    tasks, found = snapshot.tasks, []
    catalogue, attached = snapshot.catalogue_files, attached_files(snapshot)
    if catalogue is not None and attached < catalogue:
        found.append(f"{catalogue - attached} files are not attached: the InputDataAgent")
    elif snapshot.unattached:
        found.append(f"{snapshot.unattached} files are not attached: the InputDataAgent")
    unused = unused_files(snapshot)
    ready = snapshot.status is TransformationStatus.FLUSH or unused >= max(rules.group_size, 1)
    if unused and ready:
        found.append(f"{unused} files are Unused: the TransformationAgent")
    if created := sum(tasks.get(word, 0) for word in _NEW):
        if snapshot.agent_type == "Manual":
            found.append(f"{created} tasks are not submitted: the AgentType is Manual")
        else:
            found.append(f"{created} tasks are not submitted: the {submitter}")
    if submitted := sum(tasks.get(word, 0) for word in _SUBMITTED):
        found.append(f"{submitted} tasks are Submitted: the {submitter}'s monitoring of tasks")
    if running := sum(tasks.get(word, 0) for word in _AT_SITES):
        found.append(f"{running} jobs are at work, or the {submitter}'s monitoring is down")
    known = _NEW | _SUBMITTED | _AT_SITES
    waiting = alive_tasks(snapshot) - sum(tasks.get(word, 0) for word in known)
    if waiting > 0:
        whom = "the RequestExecutingAgent" if rules.by_requests else "no site takes the jobs"
        found.append(f"{waiting} tasks wait: {whom}")
    if (assigned := assigned_files(snapshot)) and not alive_tasks(snapshot):
        found.append(f"{assigned} files of tasks that ended: the {submitter}'s monitoring of files")
    left = snapshot.max_tasks - sum(tasks.values())
    if not rules.needs_input and left > 0:
        found.append(f"{left} tasks are not added: the MCExtensionAgent")
    return "; ".join(found)


def _look_is_due(
    snapshot: Snapshot, rules: StepRules, seen: History, now: float, quiet_seconds: float
) -> bool:
    """Whether to look for jobs that have ended without the Transformation System noticing."""
    if rules.recovery.mode == "off":
        return False
    waiting = assigned_files(snapshot) or seen.asked if rules.needs_input else alive_tasks(snapshot)
    if not waiting:
        return False
    patience = rules.stall_after
    if not alive_tasks(snapshot):
        patience = min(patience, _ORPHANED_AFTER * quiet_seconds)
    # each look without a result delays the next one, up to the general patience
    if seen.looked >= seen.progress_since and seen.looked:
        return now - seen.looked >= rules.stall_after
    return now - seen.progress_since >= patience


def _give_up(snapshot: Snapshot, rules: StepRules, idle: float) -> Verdict:
    if rules.needs_input:
        enough, counts = enough_files(snapshot, rules), processed_of(snapshot, rules)
        rest = tally(snapshot.files)
    else:
        enough, counts, rest = enough_tasks(snapshot, rules), "tasks", tally(snapshot.tasks)
    text = f"given up after {idle:.0f} s without progress: {counts}: {rest or 'nothing'}"
    return Verdict("complete" if enough else "fail", text)
