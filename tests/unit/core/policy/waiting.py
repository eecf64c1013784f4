"""What the policy says of waits that last."""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, Verdict, judge
from dirac_prodsys.core.recovery.rules import RecoveryRules

QUIET, STALL = 240.0, 3600.0
PASSIVE = RecoveryRules("off")
FILES = StepRules(True, group_size=4, stall_after=STALL, recovery=PASSIVE)
TASKS = StepRules(False, tasks=4, stall_after=STALL)


def snapshot(status: str = "Active", **more: Any) -> Snapshot:
    return Snapshot(7, "p__r__s", "Merging", TransformationStatus(status), **more)


def at(
    times: list[float], seen: Snapshot, rules: StepRules, history: History | None = None
) -> tuple[list[Verdict], History]:
    """The verdicts on the same look, again and again."""
    history, verdicts = history or History(), []
    for now in times:
        verdict, history = judge(
            seen, rules, history, now=now, quiet_seconds=QUIET, inputs_final=True
        )
        verdicts.append(verdict)
    return verdicts, history
