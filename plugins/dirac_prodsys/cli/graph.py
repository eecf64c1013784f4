"""Draws the steps of a production as text or as a picture: ``dirac-prodsys graph``.

Invariant: the arrows are those of the plan, and carry the metadata by which files are found. A
dashed arrow leads to a step that starts only when its parents are complete. The grid is asked only
about a run.
"""

from __future__ import annotations

import importlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import complete_data, read_production
from dirac_prodsys.cli.options.files import ProductionFile, run_option
from dirac_prodsys.cli.options.grid import Grid, plan_of, with_grid
from dirac_prodsys.cli.tables import print_json

if TYPE_CHECKING:
    from dirac_prodsys.core.pictures.state import StepState
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.gateway.protocol import ProductionGateway

#: the module of the same name in ``core/pictures`` draws each form
Form = Literal["text", "mermaid", "dot", "svg", "graphml"]


@with_grid
def graph(
    grid: Grid,
    file: ProductionFile,
    output: Annotated[Form, typer.Option("--format", help="Form of the picture.")] = "text",
    run: Annotated[str, run_option("With the state of each step in this run: its ID or tag.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The boxes and arrows as JSON.")] = False,
) -> None:
    """Draw the steps of a production and what feeds what; of a run, with states and counts."""
    from dirac_prodsys.core.plan.compile import compile as compile_plan

    states: dict[str, StepState] | None = None
    with readable_errors():
        if run:
            gateway = grid.gateway()
            compiled = plan_of(gateway, file, run)
            states = states_of(gateway, compiled)
        else:
            compiled = compile_plan(read_production(file), run="RUN")
        data = complete_data(file) if output == "graphml" and not as_json else {}
    if as_json:
        from dirac_prodsys.core.pictures import picture

        print_json(asdict(picture(compiled, states)))
        return
    drawing = importlib.import_module(f"dirac_prodsys.core.pictures.{output}")
    typer.echo(drawing.draw(data if output == "graphml" else compiled, states))


def states_of(gateway: ProductionGateway, plan: ProductionPlan) -> dict[str, StepState]:
    """Return how each step stands on the grid.

    :raises NotFound: the grid has none of them.
    """
    from dirac_prodsys.core.pictures.state import StepState
    from dirac_prodsys.core.reports.progress import progress
    from dirac_prodsys.errors import NotFound
    from dirac_prodsys.gateway.procedures.fresh_starts import find_newest

    records = find_newest(gateway, [step.transformation.name for step in plan.steps])
    if not records:
        raise NotFound(
            f"the grid has no run {plan.run} of {plan.production}",
            f"`dirac-prodsys runs {plan.production}` lists the runs that it has",
        )
    by_id = gateway.snapshot([record.id for record in records.values()])
    seen = {name: by_id[record.id] for name, record in records.items() if record.id in by_id}
    name_of = {step.name: step.transformation.name for step in plan.steps}
    states = {}
    for row in progress(plan, seen):
        one = seen.get(name_of[row.step])
        states[row.step] = StepState(
            row.status,
            None if one is None else one.id,
            row.unit,
            row.done,
            row.total,
            {} if one is None else dict(one.tasks),
        )
    return states
