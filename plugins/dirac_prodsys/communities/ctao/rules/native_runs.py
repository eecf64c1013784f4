"""Writes run numbers of a simulation of the native form into the keys of CTAO's jobs.

Invariant: only ``run_numbers`` of the step sets them.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.communities.ctao.types.job_types import CtaoType
from dirac_prodsys.core.steps.context import StepContext

#: keys of ``job_config`` with the number that a simulation adds to the task ID to count its runs
_KEYS = ("start_run_number", "run_number_offset")


def count_runs(context: StepContext, kind: CtaoType, config: dict[str, Any]) -> None:
    """Write into ``config`` the number that is added to the task ID; tasks count from 1."""
    numbers = context.step.run_numbers
    key = next((key for key in _KEYS if key in kind.config.model_fields), None)
    if numbers is None or key is None:
        return
    if config.get(key) is not None:
        reason = f"run_numbers says where the runs of {kind.name} begin"
        hint = "drop one of the two"
        context.add(("job", key), reason, hint, on_key=True, code="wrong-value")
    elif numbers.per_task != 1:
        reason = f"a task of {kind.name} uses one run number"
        context.add(("run_numbers", "per_task"), reason, "drop per_task", code="wrong-value")
    elif numbers.first < 1:
        reason = "the first task has the number 1"
        context.add(("run_numbers", "first"), reason, "write 1 or more", code="wrong-value")
    else:
        config[key] = numbers.first - 1
