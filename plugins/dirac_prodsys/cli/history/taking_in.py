"""Takes transformations that others made into the ledger: ``dirac-prodsys history import``.

Invariant: the grid is only read. Taken in twice, a transformation is in the ledger once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import refuse
from dirac_prodsys.cli.history.opening import opened
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dirac_prodsys.gateway.procedures.taking_in import Known, TakenIn
    from dirac_prodsys.ledger.store import Ledger


@with_grid
def take_in(
    grid: Grid,
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="IDs, names or patterns of transformations, of their groups, or of productions.",
        ),
    ] = None,
    production: Annotated[
        str,
        typer.Option("--production", help="All of this production of DIRAC's ProductionSystem."),
    ] = "",
    folders: Annotated[
        list[str] | None,
        typer.Option(
            "--datasets", metavar="FOLDER", help="Where their datasets are; else /VO/datasets."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take transformations that others made into the ledger; the grid is only read.

    One of ours keeps production, run and step of its name; another one belongs to the production
    of --production, else to its TransformationGroup. What was taken in before gets new counts.
    """
    from dirac_prodsys.gateway.procedures.taking_in import read_past

    if not (names or production):
        refuse("history import: give IDs, names or patterns of transformations, or --production")
    with opened(context.obj, makes=True) as ledger:
        found = read_past(
            grid.gateway(),
            names or [],
            lambda number, name: _known(ledger, number, name),
            datetime.now(UTC),
            production=production,
            folders=folders or (),
        )
        ledger.write([record for each in found for record in each.records])
    if as_json:
        print_json({"transformations": [_as_dict(each) for each in found]})
    else:
        _show(found)


def _known(ledger: Ledger, number: int, name: str) -> Known | None:
    from dirac_prodsys.gateway.procedures.taking_in import Known
    from dirac_prodsys.ledger.history import steps
    from dirac_prodsys.ledger.store import Search

    found = steps(ledger, Search(transformation=number, name=name))
    return Known(found[-1].step, found[-1].counts) if found else None


def _as_dict(one: TakenIn) -> dict[str, object]:
    own = {"type": one.type, "status": one.status, "records": list(one.what)}
    return {**one.place.to_dict(), **own}


def _show(found: Sequence[TakenIn]) -> None:
    from dirac_prodsys.cli.tables import plain_table, unwrapped_console

    console = unwrapped_console()
    head = ("ID", "Name", "Production", "Run", "Status", "Taken in")
    rows = [
        (
            str(one.place.transformation),
            one.place.name,
            one.place.production or "-",
            one.place.run or "-",
            one.status,
            ", ".join(one.what) or "nothing new",
        )
        for one in found
    ]
    console.print(plain_table(head, rows, console.width))
    new = sum("step" in one.what for one in found)
    typer.echo(f"{new} of {len(found)} transformations are new in the ledger", err=True)
