"""Shows what the grid says about transformations now: ``dirac-prodsys status``.

Invariant: read-only, and only what the gateway's snapshot says: states and counts, no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.options.files import run_option
from dirac_prodsys.cli.options.grid import Grid, plan_of, with_grid
from dirac_prodsys.cli.options.meant_names import File, Meant, Names, demand_names, meant
from dirac_prodsys.cli.tables import AsJson, print_json
from dirac_prodsys.cli.watching import Look, watch
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.core.reports.status_view import StatusRow
    from dirac_prodsys.gateway.protocol import ProductionGateway


@with_grid
def status(
    grid: Grid,
    names: Names = None,
    file: File = None,
    run: Annotated[
        str, run_option("This run: its ID or tag, or a pattern; else the runs that are not over.")
    ] = "",
    steps: Annotated[
        list[str] | None,
        typer.Option("--step", metavar="STEP", help="Only this step or pattern; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    watched: Annotated[
        bool, typer.Option("--watch", help="Look again and again until all are over, or Ctrl-C.")
    ] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 10.0,
) -> None:
    """Show state and counts of transformations: of productions, of one run, or by name.

    Of a production, the runs are shown that are not over; if all are, the newest. Patterns are
    quoted: 'gamma*' means productions, 'gamma__*__merge', with __, names of transformations.
    """
    from dirac_prodsys.core.reports.meant import Filters

    if watched and as_json:
        refuse("status: --watch draws again and again, --json prints once: use one")
    with readable_errors():
        demand_names("status", names, file)
        gateway = grid.gateway()
        filters = Filters(run, tuple(steps or ()))
        if watched:
            watch(lambda runs: look(gateway, names or [], file, filters, runs), every)
            return
        seen = look(gateway, names or [], file, filters)
    if as_json:
        rows = [row.to_dict() for row in seen.rows]
        print_json({"transformations": rows})
    else:
        show(seen.rows)
    for note in seen.notes:
        typer.echo(note, err=True)


def look(
    gateway: ProductionGateway,
    names: Sequence[str],
    file: Path | None,
    filters: Filters,
    runs: frozenset[tuple[str, str]] = frozenset(),
) -> Look:
    """Look once at all that is named, and keep its order.

    :param runs: runs that an earlier look found: they are shown again, even when they are over.
    :raises NotFound: something does not exist; nothing is shown then, lest it look complete.
    """
    from dirac_prodsys.core.reports.status_view import status_rows

    found = meant(gateway, names, replace(filters, runs=runs)) if names else Meant({})
    notes = [f"{found.over} runs that are over are not shown: --run '*' shows all"]
    notes = notes if found.over else []
    ids = dict.fromkeys(found.names)
    if file is not None:
        ids |= _by_file(gateway, file, filters, notes)
    snapshots = gateway.snapshot(list(ids))
    rows = status_rows(snapshots[number] for number in ids if number in snapshots)
    return Look(tuple(rows), found.runs, tuple(notes))


def show(rows: Sequence[StatusRow]) -> None:
    """Print the rows as a table, states and counts verbatim."""
    from dirac_prodsys.cli.tables import plain_table, unwrapped_console
    from dirac_prodsys.core.reports.status_view import columns, title

    console = unwrapped_console()
    if heading := title(rows):
        console.print(heading, markup=False)
    console.print(plain_table(*columns(rows), console.width))


def _by_file(
    gateway: ProductionGateway, file: Path, filters: Filters, notes: list[str]
) -> dict[int, None]:
    """Return the IDs of the steps of a file, in its order; ``notes`` gets the missing steps."""
    from dirac_prodsys.gateway.procedures.fresh_starts import find_newest

    plan = plan_of(gateway, file, filters.run)
    wanted = {step.transformation.name: step.name for step in plan.steps if filters.fits(step.name)}
    records = find_newest(gateway, list(wanted))
    if not records:
        raise NotFound(
            f"no such transformation: {', '.join(wanted) or ', '.join(filters.steps)}",
            f"`dirac-prodsys runs {plan.production}` lists the runs that the grid has",
        )
    missing = [step for name, step in wanted.items() if name not in records]
    if missing:
        notes.append(f"not made: {', '.join(missing)}")
    return dict.fromkeys(records[name].id for name in wanted if name in records)
