"""Lists the productions and runs that the grid has, with their names: ``dirac-prodsys runs``.

Invariant: read-only; only the grid is needed. Airflow is asked for run IDs only, and the list is
complete without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.options.meant_names import listed
from dirac_prodsys.cli.tables import AsJson, print_json
from dirac_prodsys.errors import NotFound, ProdsysError

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.run_list import RunRow


@with_grid
def runs(
    grid: Grid,
    productions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PRODUCTION]...", help="Productions, or patterns; else all."),
    ] = None,
    as_json: AsJson = False,
    airflow: Annotated[
        str,
        typer.Option(
            envvar="DIRAC_PRODSYS_AIRFLOW", help="Address of Airflow's API, for the run IDs."
        ),
    ] = "",
    user: Annotated[
        str, typer.Option(envvar="DIRAC_PRODSYS_AIRFLOW_USER", help="Airflow user.")
    ] = "",
) -> None:
    """List productions and their runs: tag, state, steps done, and the run ID if Airflow is named.

    A run's state is what its transformations come to, in the words of DIRAC's ProductionSystem.
    """
    from dirac_prodsys.core.reports.run_list import runs_of

    with readable_errors():
        gateway = grid.gateway()
        rows = runs_of(listed(gateway, productions or []))
        if missing := _missing(productions or [], rows):
            raise NotFound(
                f"the grid has no run of {', '.join(missing)}",
                "`dirac-prodsys runs` lists all productions that it has",
            )
    if airflow:
        rows = _with_ids(rows, airflow, user)
    if as_json:
        print_json({"runs": [row.to_dict() for row in rows]})
    else:
        _show(rows, ids=bool(airflow))


def _missing(wanted: Sequence[str], rows: Sequence[RunRow]) -> list[str]:
    there = {row.production for row in rows}
    return [name for name in wanted if not any(fnmatchcase(each, name) for each in there)]


def _with_ids(rows: list[RunRow], airflow: str, user: str) -> list[RunRow]:
    """Add Airflow's run IDs to the rows; if Airflow fails, report why beside the list."""
    from dirac_prodsys.cli.actions.act import Access, session
    from dirac_prodsys.core.reports.run_list import with_ids

    try:
        with session(Access(airflow, user, 0), ask=False) as api:
            for production in dict.fromkeys(row.production for row in rows):
                rows = with_ids(rows, production, api.run_ids(production))
    except ProdsysError as error:
        typer.echo(f"without run IDs: {error}", err=True)
    return rows


def _show(rows: Sequence[RunRow], *, ids: bool) -> None:
    from dirac_prodsys.cli.tables import plain_table, shown_of_grid, unwrapped_console

    if not rows:
        typer.echo("the grid has no run of any production", err=True)
        return
    started, more = any(row.started for row in rows), ["Run ID"] * ids
    head = ["Production", "Run", "State", "Steps", *["Started"] * started, *more]
    cells = []
    for row in rows:
        line = [row.production, row.run, str(row.state), f"{row.done}/{row.steps}"]
        line += [shown_of_grid(row.started)] * started + [row.run_id or "-"] * ids
        cells.append(line)
    console = unwrapped_console()
    console.print(plain_table(head, cells, console.width))
