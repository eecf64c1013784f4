"""Draws a plan as text: one line per step, parents before children."""

from __future__ import annotations

from dirac_prodsys.core.plan.values import ProductionPlan


def draw(plan: ProductionPlan) -> str:
    """Write the steps, their inputs, and their datasets."""
    lines = []
    for step in plan.steps:
        arrow = "==>" if step.start == "on_complete" else "-->"
        source = f"{', '.join(step.parents)} {arrow} " if step.parents else ""
        target = f" --> dataset {step.dataset.name}" if step.dataset else ""
        lines.append(f"{source}{step.name} ({step.transformation.type}){target}")
    return "\n".join(lines)
