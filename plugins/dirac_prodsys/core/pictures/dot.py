"""Draws a plan as a Graphviz digraph."""

from __future__ import annotations

import json

from dirac_prodsys.core.pictures import picture
from dirac_prodsys.core.pictures.state import FILLS, States
from dirac_prodsys.core.plan.values import ProductionPlan

_SHAPES = {"step": "box", "dataset": "cylinder", "source": "ellipse"}


def draw(plan: ProductionPlan, states: States | None = None) -> str:
    """Write the digraph; dashed arrows lead to steps that wait for the end of the one before."""
    drawn = picture(plan, states)
    lines = [f"digraph {_text(drawn.title)} {{", "  rankdir=LR; node [shape=box];"]
    for box in drawn.boxes:
        label, shape = _text("\n".join(box.lines)), _SHAPES[box.kind]
        fill = "" if box.state is None else f', style="filled", fillcolor="{FILLS[box.state.look]}"'
        lines.append(f"  {_text(box.key)} [label={label}, shape={shape}{fill}];")
    for arrow in drawn.arrows:
        style = ', style="dashed"' if arrow.late else ""
        label = _text("\n".join(arrow.words))
        lines.append(f"  {_text(arrow.source)} -> {_text(arrow.target)} [label={label}{style}];")
    return "\n".join([*lines, "}"])


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
