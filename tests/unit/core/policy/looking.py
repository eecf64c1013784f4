"""What the policy says of a look that has been the same for a while."""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, Verdict, judge

QUIET = 240.0
FILES = StepRules(True, group_size=5)


def look(
    files: dict[str, int],
    rules: StepRules = FILES,
    *,
    tasks: dict[str, int] | None = None,
    status: str = "Active",
    catalogue: int | None = None,
    parents_done: bool = True,
    past: History | None = None,
    at: tuple[float, ...] = (0, QUIET),
    **more: Any,
) -> Verdict:
    """The verdict when this has been so for the quiet time."""
    seen = Snapshot(
        7, "p__r__s", "Merging", TransformationStatus(status), files, tasks or {}, **more
    )
    seen = seen.with_catalogue(sum(files.values()) if catalogue is None else catalogue)
    history, verdict = past or History(), Verdict("wait", "")
    for now in at:
        verdict, history = judge(
            seen, rules, history, now=now, quiet_seconds=QUIET, inputs_final=parents_done
        )
    return verdict
