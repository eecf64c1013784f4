"""How subcommands that ask a grid are told which one, and how they find transformations in it.

Invariant: the options have the same names and meaning in every subcommand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import DEFINITION
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.plan import ProductionPlan
    from dirac_prodsys.gateway.protocol import ProductionGateway, TransformationRecord

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Transformation names.")
]
File = Annotated[
    Path | None,
    typer.Option("--file", exists=True, dir_okay=False, help="All steps of this production…"),
]
Run = Annotated[str, typer.Option("--run", metavar="TAG", help="…in this run.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Backend = Annotated[str, typer.Option(help="Gateway to use.")]
Config = Annotated[
    str, typer.Option(envvar="DIRACSYSCONFIG", help="DIRAC configuration file or server URL.")
]
Proxy = Annotated[str, typer.Option(envvar="X509_USER_PROXY", help="Proxy of a production group.")]
Group = Annotated[str, typer.Option(help="DIRAC group, if not the proxy's own.")]
Timeout = Annotated[float, typer.Option(help="Seconds after which a call is given up.")]


def gateway_of(
    backend: str, config: str, proxy: str, group: str, timeout: float
) -> ProductionGateway:
    """The gateway that the options name; makes no call."""
    from dirac_prodsys.gateway import open_gateway
    from dirac_prodsys.gateway.protocol import GatewaySettings

    return open_gateway(
        GatewaySettings(backend=backend, config=config, proxy=proxy, group=group, timeout=timeout)
    )


def demand_names(command: str, names: Sequence[str] | None, file: Path | None) -> None:
    """Demand that a command is told of which transformations.

    :raises typer.Exit: it is told neither names nor a production file.
    """
    if not names and file is None:
        typer.echo(f"{command}: give transformation names, or --file and --run", err=True)
        raise typer.Exit(DEFINITION)


def plan_of(file: Path, run: str) -> ProductionPlan:
    """The plan of a run of a production file."""
    from dirac_prodsys.core.plan import compile as compile_plan

    if not run:
        raise typer.BadParameter("--file needs --run")
    return compile_plan(read_production(file), run=run)


def existing(gateway: ProductionGateway, names: Sequence[str]) -> list[TransformationRecord]:
    """The named transformations, in the order of ``names``; of a step that began anew, the newest.

    :raises NotFound: one of them does not exist; nothing is shown then, lest it look complete.
    """
    from dirac_prodsys.gateway.generations import find_newest

    records = find_newest(gateway, names)
    missing = [name for name in names if name not in records]
    if missing:
        raise NotFound(
            f"no such transformation: {', '.join(missing)}",
            "`dirac-prodsys plan FILE --run TAG` shows the names that a run uses",
        )
    return [records[name] for name in names]
