"""Counts the events that a step has made, or is to make, as far as they are certain.

Invariant: pure; a number is given only if every file that it stands for is known to be there. A
guess would end up in publications, so anything uncertain is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import GOOD_TASKS, FileStatus
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.steps.step_plan import StepPlan


def events_of(plan: ProductionPlan, name: str, snapshots: Mapping[str, Snapshot]) -> int | None:
    """Return the events in the output of a step; None: unknown.

    A step with EventsPerTask has as many for each task that ended well. Another one has those of
    its parents, if it takes all their files, and all of them are Processed.

    :param snapshots: transformation name → snapshot, of the step and of all steps before it.
    """
    step = plan.step(name)
    seen = snapshots.get(step.transformation.name)
    if seen is None or not seen.tasks:  # without tasks it is archived, and nobody can count
        return None
    if step.transformation.events_per_task:
        good = sum(number for status, number in seen.tasks.items() if status in GOOD_TASKS)
        return good * step.transformation.events_per_task
    if not step.parents or any(number for s, number in seen.files.items() if s != _PROCESSED):
        return None
    parents = [plan.step(parent) for parent in step.parents]
    if not all(_takes_all(step, parent) for parent in parents):
        return None
    counts = [events_of(plan, parent.name, snapshots) for parent in parents]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def events_wanted(
    plan: ProductionPlan, name: str, declared: Callable[[StepPlan], int | None]
) -> int | None:
    """Return the events that the output of a step would hold if all went well; None: unknown.

    A step that declares its tasks has what these simulate; another one has those of its parents,
    if it takes all their files.

    :param declared: returns the events that the tasks of a step are to simulate.
    """
    step = plan.step(name)
    if step.transformation.tasks is not None:
        return declared(step)
    parents = [plan.step(parent) for parent in step.parents]
    if not parents or not all(_takes_all(step, parent) for parent in parents):
        return None
    counts = [events_wanted(plan, parent.name, declared) for parent in parents]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def steps_before(plan: ProductionPlan, name: str) -> tuple[str, ...]:
    """Return a step and all steps whose files it takes, directly or not."""
    found: dict[str, None] = {}
    left = [name]
    while left:
        step = left.pop()
        if step not in found:
            found[step] = None
            left += plan.step(step).parents
    return tuple(found)


_PROCESSED = FileStatus.PROCESSED


def _takes_all(step: StepPlan, parent: StepPlan) -> bool:
    taken, made = step.transformation.input_query, parent.transformation.output_query
    return taken is not None and made is not None and taken.subsumes(made)
