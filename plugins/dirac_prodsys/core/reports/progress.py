"""Computes the progress and results of a production, as values that any surface can show.

Invariant: numbers come from snapshots, their meaning from the plan; the grid is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, GOOD_TASKS, FileStatus
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.policy import attached_files
from dirac_prodsys.core.steps.step_plan import StepPlan


@dataclass(frozen=True)
class Progress:
    """Progress of one step.

    :param unit: what is counted: tasks for types without input, files otherwise.
    :param total: tasks wanted; or files attached so far, which grows while parents are at work.
    :param fraction: 0 to 1; 0 if the total is unknown, 1 if the step is completed.
    """

    step: str
    unit: Literal["tasks", "files"]
    done: int
    total: int
    fraction: float
    status: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class StepRow:
    """One step in the final table.

    :param id: TransformationID; None: there is no transformation.
    :param dataset: name of the step's dataset; empty if it has none.
    """

    step: str
    id: int | None
    name: str
    type: str
    status: str
    files: Mapping[str, int]
    tasks: Mapping[str, int]
    dataset: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def progress(plan: ProductionPlan, snapshots: Mapping[str, Snapshot]) -> list[Progress]:
    """Return the progress of each step, in the order of the plan.

    :param snapshots: transformation name → snapshot; steps without one have not begun.
    """
    return [_progress(step, snapshots.get(step.transformation.name)) for step in plan.steps]


def summary(plan: ProductionPlan, snapshots: Mapping[str, Snapshot]) -> list[StepRow]:
    """Return one row per step, in the order of the plan.

    :param snapshots: transformation name → snapshot; a step without one has no ID and no status.
    """
    rows = []
    for step in plan.steps:
        seen = snapshots.get(step.transformation.name)
        rows.append(
            StepRow(
                step=step.name,
                id=None if seen is None else seen.id,
                name=step.transformation.name,
                type=step.transformation.type,
                status="" if seen is None else str(seen.status),
                files={} if seen is None else dict(seen.files),
                tasks={} if seen is None else dict(seen.tasks),
                dataset="" if step.dataset is None else step.dataset.name,
            )
        )
    return rows


def _progress(step: StepPlan, seen: Snapshot | None) -> Progress:
    unit: Literal["tasks", "files"] = "files" if step.rules.needs_input else "tasks"
    if seen is None:
        return Progress(step.name, unit, 0, step.rules.tasks or 0, 0.0, "")
    if step.rules.needs_input:
        done, total = seen.files.get(FileStatus.PROCESSED, 0), attached_files(seen)
    else:
        done = sum(n for status, n in seen.tasks.items() if status in GOOD_TASKS)
        total = step.rules.tasks or sum(seen.tasks.values())
    if seen.status in ENDED_TRANSFORMATION:
        fraction = 1.0
    else:
        fraction = min(1.0, done / total) if total else 0.0
    return Progress(step.name, unit, done, total, fraction, str(seen.status))
