"""Files that stay behind, and what is decided about one."""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.recovery.decisions import Case, StrandedFile, TaskState, decide
from dirac_prodsys.core.recovery.ledger import Ledger
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules

NOTHING = Ledger()

RULES = (
    ErrorRule("give_up", minor="*input data*"),
    ErrorRule("retry_elsewhere", site="LCG.Bad.*"),
    ErrorRule("ask", application="*segmentation*"),
    ErrorRule("retry", status="Killed", max=1),
    ErrorRule("give_up", status="Killed", minor="never reached"),
)


def case(
    status: str = "Assigned",
    task: str | None = "Failed",
    outputs: Any = "none",
    job: tuple[str, ...] | None = None,
    errors: int = 0,
    lfn: str = "/sim/a",
    **more: Any,
) -> Case:
    """A file and what is known of its task."""
    return Case(
        StrandedFile(lfn, status, 0 if task is None else 3, errors),
        None if task is None else TaskState(3, task, 77),
        None if job is None else JobState(77, *job),
        outputs,
        **more,
    )


def fate(one: Case, rules: RecoveryRules | None = None, ledger: Ledger = NOTHING) -> str:
    """What is decided about it."""
    decided = decide([one], rules or RecoveryRules(), ledger)
    return decided[0].fate if decided else "keep"
