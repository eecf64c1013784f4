"""Finds the directories that only one step writes into, or below.

DIRAC's cleaning agent may treat everything below such a directory as the work of one
transformation. So a directory that two steps, two passes of a loop or two runs share is nobody's
own, nor is one that contains another's.

Invariant: no file of another transformation, of any run, lies below an own directory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, TransformationSpec
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.steps.outputs import above
from dirac_prodsys.core.steps.step_plan import StepPlan

#: without it, the next run of the production writes to the same directory
_OF_THE_RUN = re.compile(r"\$\{\{\s*run\s*\}\}")


def with_own_directories(
    steps: Collection[Step], plans: Mapping[str, StepPlan]
) -> dict[str, StepPlan]:
    """Return the plans, each with the directories that are its step's own.

    :param steps: the steps as written, with ``${{ run }}`` in them.
    :param plans: step name → plan, for all steps of one run.
    """
    of_the_run = {
        step.name
        for step in steps
        if step.output is not None and _OF_THE_RUN.search(step.output.directory)
    }
    writers = _writers(plans)
    return {
        name: replace(
            plan, transformation=_with_own(plan.transformation, name, of_the_run, writers)
        )
        for name, plan in plans.items()
    }


def _writers(plans: Mapping[str, StepPlan]) -> dict[str, set[str]]:
    """Map each directory to the steps that write into or below it; the database ignores case."""
    found: dict[str, set[str]] = {}
    for name, plan in plans.items():
        for directory in plan.transformation.directories:
            for path in (*above(directory.path), directory.path):
                found.setdefault(path.casefold(), set()).add(name)
    return found


def _with_own(
    spec: TransformationSpec,
    step: str,
    of_the_run: Collection[str],
    writers: Mapping[str, Collection[str]],
) -> TransformationSpec:
    own: list[str] = []
    for path in sorted({directory.path for directory in spec.directories}):
        if not (
            TRANSFORMATION_ID in path  # two steps may have one path, and never one ID
            or (step in of_the_run and set(writers[path.casefold()]) == {step})
        ):
            continue
        if not any(path.startswith(f"{outer}/") for outer in own):
            own.append(path)
    return spec.model_copy(update={"output_directories": tuple(own)}) if own else spec
