"""Compares files, jobs and catalogue: ``dirac-prodsys check``.

Invariant: read-only without ``--repair``; with it, only files with a certain repair are changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.options.grid import Grid, plan_of, with_grid
from dirac_prodsys.cli.options.meant_names import File, Names, Run, demand_names, meant
from dirac_prodsys.cli.tables import AsJson, print_json

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.specs import TransformationSpec

#: exit code when something does not fit
DIFFERS = 1


@with_grid
def check(
    grid: Grid,
    names: Names = None,
    file: File = None,
    run: Run = "",
    as_json: AsJson = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what is certain: set those files Processed.")
    ] = False,
) -> None:
    """Compare files, jobs and catalogue; exit code 1 if anything does not fit.

    Which outputs there should be is known from the production file only.
    """
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.core.run.fresh_starts import starts
    from dirac_prodsys.gateway.procedures import consistency

    with readable_errors():
        demand_names("check", names, file)
        gateway = grid.gateway()
        specs: dict[str, TransformationSpec] = {}
        transient: set[str] = set()
        if file is not None:
            plan = plan_of(gateway, file, run)
            planned = [step.transformation for step in plan.steps]
            specs = {name: spec for spec in planned for name in starts(spec.name)}
            transient = {
                name
                for step in plan.steps
                if step.transient
                for name in starts(step.transformation.name)
            }
            names = names or [spec.name for spec in planned]
        found = {}
        for number, name in meant(gateway, names or (), Filters(run)).names.items():
            made = consistency.check(gateway, number, specs.get(name), transient=name in transient)
            found[name] = consistency.repair(gateway, number, made) if repair else made
    if as_json:
        print_json({name: one.to_dict() for name, one in found.items()})
    else:
        for name, one in found.items():
            typer.echo(
                "\n  ".join([f"{name}: {'' if one.found else 'all fits'}".rstrip(), *one.lines()])
            )
    if any(one.found for one in found.values()):
        raise typer.Exit(DIFFERS)
