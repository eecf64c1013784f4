"""Draws a plan as text: one line per step, parents before children."""

from __future__ import annotations

from dirac_prodsys.core.pictures.state import States, StepState
from dirac_prodsys.core.plan.values import ProductionPlan


def draw(plan: ProductionPlan, states: States | None = None) -> str:
    """Write the steps, their inputs, and their datasets; of a run, the state of each."""
    lines = []
    for step in plan.steps:
        arrow = "==>" if step.start == "on_complete" else "-->"
        source = f"{', '.join(step.parents)} {arrow} " if step.parents else ""
        target = f" --> dataset {step.dataset.name}" if step.dataset else ""
        state = ""
        if states is not None:
            state = f" [{', '.join(states.get(step.name, StepState()).lines)}]"
        lines.append(f"{source}{step.name} ({step.transformation.type}){state}{target}")
    return "\n".join(lines)
