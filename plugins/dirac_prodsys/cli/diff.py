"""Compares what two files would send, or one file with the grid: ``dirac-prodsys diff``.

Invariant: compares plans, not texts: order of keys, comments and style do not matter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.options.completion import files
from dirac_prodsys.cli.options.files import Parameters, ProductionFile, run_option
from dirac_prodsys.cli.options.grid import Grid, tag_on_grid, with_grid
from dirac_prodsys.cli.options.run_values import parameter_values
from dirac_prodsys.cli.tables import AsJson, print_json


@with_grid
def diff(
    grid: Grid,
    left: ProductionFile,
    right: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, autocompletion=files, help="Another one; or use --live."
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Compare with what the grid has.")] = False,
    run: Annotated[str, run_option("With --live: the run to compare with, by ID or tag.")] = "",
    parameters: Parameters = None,
    as_json: AsJson = False,
) -> None:
    """Compare what two production files would send; exit code 1 if anything differs.

    The names of the two productions do not count. With --live, one file is compared with what the
    grid has of a run: what would be created, what is there and adopted, what is in the way.
    """
    if live == (right is not None) or live != bool(run):
        refuse("diff: give two files, or one with --live and --run")
    if right is None:
        _with_grid(left, run, parameters, grid, as_json=as_json)
    else:
        _with_file(left, right, as_json=as_json)


def _with_file(left: Path, right: Path, *, as_json: bool) -> None:
    from dirac_prodsys.core.plan.compile import compile as compile_plan
    from dirac_prodsys.core.plan.difference import differences

    with readable_errors():
        one, two = read_production(left), read_production(right)
        two = two.model_copy(update={"name": one.name})
        found = differences(compile_plan(one, run="RUN"), compile_plan(two, run="RUN"))
    if as_json:
        print_json({"differences": [each.to_dict() for each in found]})
    else:
        for each in found:
            typer.echo(str(each))
    if found:
        raise typer.Exit(1)


def _with_grid(
    file: Path,
    run: str,
    parameters: list[str] | None,
    grid: Grid,
    *,
    as_json: bool,
) -> None:
    from dirac_prodsys.cli.against_grid import compare, lines, look_up_datasets
    from dirac_prodsys.core.plan.compile import compile as compile_plan

    with readable_errors():
        gateway, production = grid.gateway(), read_production(file)
        run = tag_on_grid(gateway, production.name, run)
        values = parameter_values(production, parameters) if parameters else None
        datasets = look_up_datasets(gateway, production, run, values, {})
        plan = compile_plan(production, run=run, parameters=values, datasets=datasets)
        found = compare(gateway, plan)
    if as_json:
        print_json(found.to_dict())
    else:
        for line in lines(found):
            typer.echo(line)
    if not found.same:
        raise typer.Exit(1)
