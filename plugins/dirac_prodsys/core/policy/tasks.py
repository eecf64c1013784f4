"""Judges steps without input: their tasks decide, and more may be added to replace failed ones.

The grid's own MCExtensionAgent has no total limit: if ``MaxNumberOfTasks`` is set it makes that
many tasks at once and replaces failed ones (``MCExtensionAgent._calculateTaskNumber``, 9.1). We
leave the value at 0; if somebody has set it, extending is left to the agent.

Invariant: a step is never complete while a task may still produce files, and never has more tasks
than the rules allow in total.
"""

from __future__ import annotations

import math

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TaskStatus
from dirac_prodsys.core.policy.counts import at_work, bad_tasks, good_tasks, tally
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.policy.verdict import Verdict


def by_tasks(snapshot: Snapshot, rules: StepRules) -> Verdict:
    """Judge a step without input."""
    total = sum(snapshot.tasks.values())
    good, bad = good_tasks(snapshot), bad_tasks(snapshot)
    if rules.by_hand:
        return Verdict(
            "wait",
            f"{good} of {total} tasks are done, {bad} failed; whoever extends it in DIRAC has to "
            "complete it there",
        )
    wanted = total if rules.tasks is None else rules.tasks
    done = f"{good} of {wanted} tasks are done"
    if not total or total < wanted:
        return Verdict("wait", f"{done}, {bad} failed, {total} exist")
    if alive := at_work(snapshot):
        return Verdict("wait", f"{done}, {bad} failed, {alive}")
    if enough_tasks(snapshot, rules):
        short = "" if good >= wanted else f", and {rules.tolerance:.1%} may be missing"
        return Verdict("complete", done + short)
    left = _left_to_agent(snapshot)
    if left:
        return Verdict(
            "wait",
            f"{done}, {bad} failed; MaxNumberOfTasks is {snapshot.max_tasks}, so that the "
            f"MCExtensionAgent adds {left}",
        )
    refusal = _no_extension(snapshot, rules, wanted)
    if refusal:
        return Verdict("fail", f"only {done}, none is left{refusal}: {tally(snapshot.tasks)}")
    rate = bad / total
    more = math.ceil((wanted - good) / (1 - rate))
    more = min(more, rules.extend_chunk, _most(rules, wanted) - total)
    return Verdict("extend", f"{done}, {bad} failed ({rate:.1%}): {more} more", tasks=total + more)


def enough_tasks(snapshot: Snapshot, rules: StepRules) -> bool:
    """Whether as many tasks are done as the rules require."""
    total = sum(snapshot.tasks.values())
    wanted = total if rules.tasks is None else rules.tasks
    # in whole tasks, because a fraction of a number is not exact
    return total > 0 and good_tasks(snapshot) >= wanted - math.floor(wanted * rules.tolerance)


def _left_to_agent(snapshot: Snapshot) -> int:
    """Count the tasks that the MCExtensionAgent would add; it counts only Done and Failed."""
    if snapshot.tasks.get(TaskStatus.DONE, 0) >= snapshot.max_tasks:
        return 0
    living = sum(snapshot.tasks.values()) - snapshot.tasks.get(TaskStatus.FAILED, 0)
    return max(0, snapshot.max_tasks - living)


def _no_extension(snapshot: Snapshot, rules: StepRules, wanted: int) -> str:
    """Say why no task is added; empty if tasks are added."""
    total, bad = sum(snapshot.tasks.values()), bad_tasks(snapshot)
    if not rules.extend and rules.max_tasks <= wanted:
        return " and none is to be added"
    if bad / total > rules.max_failed:
        return f", {bad / total:.1%} failed and above {rules.max_failed:.1%} none is added"
    most = _most(rules, wanted)
    if total >= most:
        return f" and {most} are the most that there may be"
    return ""


def _most(rules: StepRules, wanted: int) -> int:
    return max(rules.max_tasks, wanted + math.floor(wanted * rules.extend))
