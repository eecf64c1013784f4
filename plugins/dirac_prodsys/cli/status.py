"""``dirac-prodsys status``: what the grid says about the transformations of a run, right now.

Invariant: read-only, and only what the gateway's snapshot says: state words and counts, no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import DEFINITION, readable_errors
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from rich.table import Table

    from dirac_prodsys.core.snapshot import Snapshot
    from dirac_prodsys.gateway.protocol import ProductionGateway


def status(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Transformation names.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="All steps of this production…"),
    ] = None,
    run: Annotated[str, typer.Option("--run", metavar="TAG", help="…in this run.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    backend: Annotated[str, typer.Option(help="Gateway to use.")] = "dirac",
    config: Annotated[
        str, typer.Option(envvar="DIRACSYSCONFIG", help="DIRAC configuration file or server URL.")
    ] = "",
    proxy: Annotated[
        str, typer.Option(envvar="X509_USER_PROXY", help="Proxy of a production group.")
    ] = "",
    group: Annotated[str, typer.Option(help="DIRAC group, if not the proxy's own.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds after which a call is given up.")] = 60.0,
) -> None:
    """Show state and counts of transformations, by name or by production file and run tag."""
    from rich.console import Console

    from dirac_prodsys.gateway import open_gateway
    from dirac_prodsys.gateway.protocol import GatewaySettings

    with readable_errors():
        wanted = [*(names or []), *(_names_of(file, run) if file else [])]
        if not wanted:
            typer.echo("status: give transformation names, or --file and --run", err=True)
            raise typer.Exit(DEFINITION)
        gateway = open_gateway(
            GatewaySettings(
                backend=backend, config=config, proxy=proxy, group=group, timeout=timeout
            )
        )
        snapshots = look(gateway, wanted)
    if as_json:
        rows = [snapshot.to_dict() for snapshot in snapshots]
        typer.echo(json.dumps({"transformations": rows}, indent=2))
    else:
        Console(highlight=False).print(status_table(snapshots))


def look(gateway: ProductionGateway, names: Sequence[str]) -> list[Snapshot]:
    """The snapshots of the named transformations, in the order of ``names``.

    :raises NotFound: one of them does not exist; nothing is shown then, lest it look complete.
    """
    records = {name: gateway.find_transformation(name) for name in names}
    ids = {name: record.id for name, record in records.items() if record is not None}
    snapshots = gateway.snapshot(list(ids.values()))
    missing = [name for name in names if name not in ids or ids[name] not in snapshots]
    if missing:
        raise NotFound(
            f"no such transformation: {', '.join(missing)}",
            "`dirac-prodsys plan FILE --run TAG` shows the names that a run uses",
        )
    return [snapshots[ids[name]] for name in names]


def status_table(snapshots: Sequence[Snapshot]) -> Table:
    """The snapshots as a table, states and counts verbatim."""
    from rich.table import Table

    table = Table("ID", "Name", "Type", "Status", "Tasks", "Files", box=None)
    for snapshot in snapshots:
        table.add_row(
            str(snapshot.id),
            snapshot.name,
            snapshot.type,
            str(snapshot.status),
            _counts(snapshot.tasks),
            _counts(snapshot.files),
        )
    return table


def _names_of(file: Path, run: str) -> list[str]:
    from dirac_prodsys.core.plan import compile as compile_plan

    if not run:
        raise typer.BadParameter("--file needs --run")
    plan = compile_plan(read_production(file), run=run)
    return [step.transformation.name for step in plan.steps]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{state} {number}" for state, number in sorted(counts.items())) or "-"
