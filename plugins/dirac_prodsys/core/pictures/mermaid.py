"""Draws a plan as a Mermaid flowchart; GitHub and GitLab render it in Markdown."""

from __future__ import annotations

from dirac_prodsys.core.pictures import Arrow, Box, picture
from dirac_prodsys.core.pictures.state import FILLS, States
from dirac_prodsys.core.plan.values import ProductionPlan

_SHAPES = {"step": ("[", "]"), "dataset": ("[(", ")]"), "source": ("([", "])")}
_ESCAPES = str.maketrans({'"': "#quot;", "<": "#lt;", ">": "#gt;", "#": "#35;"})


def draw(plan: ProductionPlan, states: States | None = None) -> str:
    """Write the flowchart; dashed arrows lead to steps that wait for the end of the one before."""
    drawn = picture(plan, states)
    names = {box.key: f"n{number}" for number, box in enumerate(drawn.boxes)}
    lines = ["flowchart LR"]
    lines += [f"    {names[box.key]}{_box(box)}" for box in drawn.boxes]
    lines += [f"    {names[a.source]} {_arrow(a)} {names[a.target]}" for a in drawn.arrows]
    looks = {names[box.key]: box.state.look for box in drawn.boxes if box.state is not None}
    lines += [f"    style {name} fill:{FILLS[look]}" for name, look in looks.items()]
    return "\n".join(lines)


def _box(box: Box) -> str:
    begin, end = _SHAPES[box.kind]
    return f'{begin}"{_lines(box.lines)}"{end}'


def _arrow(arrow: Arrow) -> str:
    line = "-.->" if arrow.late else "-->"
    return f'{line}|"{_lines(arrow.words)}"|' if arrow.words else line


def _lines(lines: tuple[str, ...]) -> str:
    return "<br/>".join(line.translate(_ESCAPES) for line in lines)
