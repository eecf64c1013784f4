"""Reports the result of the jobs of transformations, or of a whole run: ``dirac-prodsys report``.

Invariant: read-only; the same report as the tasks of a DAG write.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.options.grid import Grid, plan_of, with_grid
from dirac_prodsys.cli.options.meant_names import File, Names, Run, demand_names, meant
from dirac_prodsys.cli.tables import AsJson, print_json

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
) -> None:
    """Show jobs by status, cause and site: of transformations, or of a run of a production.

    With --file the run as a whole: all steps in one table, and the datasets.
    """
    with readable_errors():
        demand_names("report", names, file)
        gateway = grid.gateway()
        made: list[JobReport | ProductionReport] = []
        data: dict[str, Any] = {}
        if file is not None:
            made.append(_of_run(gateway, file, run))
            data = made[0].to_dict()
        if names:
            jobs = _of_names(gateway, names, run)
            made += jobs
            data["transformations"] = [one.to_dict() for one in jobs]
    if html is not None:
        from dirac_prodsys.core.reports.run import page

        html.write_text(page(made[0].title, [one.to_html() for one in made]), "utf-8")
    if as_json:
        print_json(data)
    elif html is None:
        typer.echo("\n\n".join(one.to_text() for one in made))


def _of_run(gateway: ProductionGateway, file: Path, run: str) -> ProductionReport:
    from dirac_prodsys.gateway.procedures.reports import report_on_run

    return report_on_run(gateway, plan_of(gateway, file, run))


def _of_names(gateway: ProductionGateway, names: list[str], run: str) -> list[JobReport]:
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.gateway.procedures.reports import report_on

    wanted = meant(gateway, names, Filters(run)).names
    return [report_on(gateway, number, name) for number, name in wanted.items()]
