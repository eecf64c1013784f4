"""Reports the result of the jobs of transformations, or of a whole run: ``dirac-prodsys report``.

Invariant: read-only; the same report as the tasks of a DAG write.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.history.opening import LedgerUrl
from dirac_prodsys.cli.history.recalling import Recalling
from dirac_prodsys.cli.options.grid import Grid, plan_of, with_grid
from dirac_prodsys.cli.options.meant_names import File, Names, Run, demand_names, meant
from dirac_prodsys.cli.tables import AsJson, print_json
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.jobs import JobReport
    from dirac_prodsys.core.reports.run import ProductionReport
    from dirac_prodsys.gateway.protocol import ProductionGateway


@with_grid
def report(
    grid: Grid,
    names: Names = None,
    file: File = None,
    run: Run = "",
    as_json: AsJson = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it as a web page into this file."),
    ] = None,
    ledger: LedgerUrl = "",
) -> None:
    """Show jobs by status, cause and site: of transformations, or of a run of a production.

    With --file the run as a whole: all steps in one table, and the datasets. What the grid has
    forgotten, because it is Archived or gone, comes from the ledger.
    """
    with readable_errors():
        demand_names("report", names, file)
        gateway, recalling = grid.gateway(), Recalling(ledger)
        made: list[JobReport | ProductionReport] = []
        data: dict[str, Any] = {}
        if file is not None:
            made.append(_of_run(gateway, file, run, recalling))
            data = made[0].to_dict()
        if names:
            jobs = _of_names(gateway, names, run, recalling)
            made += jobs
            data["transformations"] = [one.to_dict() for one in jobs]
    if recalling.trouble:
        typer.echo(recalling.trouble, err=True)
    if html is not None:
        from dirac_prodsys.core.reports.run import page

        html.write_text(page(made[0].title, [one.to_html() for one in made]), "utf-8")
    if as_json:
        print_json(data)
    elif html is None:
        typer.echo("\n\n".join(one.to_text() for one in made))


def _of_run(
    gateway: ProductionGateway, file: Path, run: str, recalling: Recalling
) -> ProductionReport:
    from dirac_prodsys.core.reports.ledger.recalled import recalled_run
    from dirac_prodsys.gateway.procedures.reports import report_on_run

    plan = plan_of(gateway, file, run)
    found = report_on_run(gateway, plan)
    return recalled_run(found, recalling.of_run(plan.production, plan.run))


def _of_names(
    gateway: ProductionGateway, names: list[str], run: str, recalling: Recalling
) -> list[JobReport]:
    from dirac_prodsys.core.reports.ledger.recalled import report_of
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.gateway.procedures.reports import report_on

    try:
        wanted = meant(gateway, names, Filters(run)).names
    except NotFound:
        gone = [one.jobs for one in recalling.named(names, Filters(run)) if one.jobs is not None]
        if not gone:
            raise
        return [report_of(one) for one in gone]
    known = recalling.of(gateway.snapshot(list(wanted)).values())
    jobs = {number: one.jobs for number, one in known.items() if one.jobs is not None}
    return [
        report_of(jobs[number]) if number in jobs else report_on(gateway, number, name)
        for number, name in wanted.items()
    ]
