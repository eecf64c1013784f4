"""``dirac-prodsys graph``: the steps of a production as text, Mermaid or Graphviz.

Invariant: the arrows are those of the plan; a dashed arrow is a step that starts only when its
parents are complete, a full one a step that runs along with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import read_production

if TYPE_CHECKING:
    from dirac_prodsys.core.plan import ProductionPlan


def graph(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A production file.")],
    output: Annotated[
        Literal["text", "mermaid", "dot"], typer.Option("--format", help="Form of the picture.")
    ] = "text",
) -> None:
    """Draw the steps of a production and what feeds what."""
    from dirac_prodsys.core.plan import compile as compile_plan

    with readable_errors():
        compiled = compile_plan(read_production(file), run="RUN")
    typer.echo({"text": as_text, "mermaid": as_mermaid, "dot": as_dot}[output](compiled))


def as_text(plan: ProductionPlan) -> str:
    """One line per step, parents before children."""
    lines = []
    for step in plan.steps:
        arrow = "==>" if step.start == "on_complete" else "-->"
        source = f"{', '.join(step.parents)} {arrow} " if step.parents else ""
        target = f" --> dataset {step.dataset.name}" if step.dataset else ""
        lines.append(f"{source}{step.name} ({step.transformation.type}){target}")
    return "\n".join(lines)


def as_mermaid(plan: ProductionPlan) -> str:
    """A Mermaid flowchart; GitHub renders it in Markdown."""
    number = {step.name: f"s{index}" for index, step in enumerate(plan.steps)}
    lines = ["flowchart LR"]
    for step in plan.steps:
        here = number[step.name]
        lines.append(f'    {here}["{step.name}<br/>{step.transformation.type}"]')
        arrow = "-.->" if step.start == "on_complete" else "-->"
        lines += [f"    {number[parent]} {arrow} {here}" for parent in step.parents]
        if step.dataset:
            lines.append(f'    {here} --> {here}d[("{step.dataset.name.rsplit("/", 1)[-1]}")]')
    return "\n".join(lines)


def as_dot(plan: ProductionPlan) -> str:
    """A Graphviz digraph."""
    lines = [f'digraph "{plan.production}" {{', "  rankdir=LR; node [shape=box];"]
    for step in plan.steps:
        lines.append(f'  "{step.name}" [label="{step.name}\\n{step.transformation.type}"];')
        style = " [style=dashed]" if step.start == "on_complete" else ""
        lines += [f'  "{parent}" -> "{step.name}"{style};' for parent in step.parents]
        if step.dataset:
            lines.append(f'  "{step.dataset.name}" [shape=cylinder];')
            lines.append(f'  "{step.name}" -> "{step.dataset.name}";')
    return "\n".join([*lines, "}"])
