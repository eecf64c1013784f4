"""Names the outputs of a task, which show whether its input has been processed already.

Invariant: only certain names are given; the outputs of a body that does not declare them are
unknown.
"""

from __future__ import annotations

from collections.abc import Collection

from dirac_prodsys.core.grid.specs import BodySpec, JobSpec
from dirac_prodsys.core.recovery.decisions import Outputs


def task_outputs(body: BodySpec, transformation: int, task: int) -> tuple[str, ...]:
    """Return the LFNs of one task's outputs; empty if unknown."""
    if not isinstance(body, JobSpec):
        return ()
    names = []
    for output in body.outputs:
        lfn = f"{output.directory.rstrip('/')}/{output.name}"
        # as DIRAC fills them in (WorkflowTasks.py)
        lfn = lfn.replace("@{JOB_ID}", f"{task:08d}")
        names.append(lfn.replace("@{PRODUCTION_ID}", f"{transformation:08d}"))
    return tuple(names)


def found(names: Collection[str], existing: Collection[str]) -> Outputs:
    """Return how many of these files exist."""
    if not names:
        return "unknown"
    there = sum(name in existing for name in names)
    if there == len(names):
        return "all"
    return "some" if there else "none"
