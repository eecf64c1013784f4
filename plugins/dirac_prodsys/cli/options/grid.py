"""Defines the options that name a grid, and finds the runs that it has.

Invariant: the options have the same names and meaning in every subcommand.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.files import read_production

if TYPE_CHECKING:
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.gateway.protocol import ProductionGateway


@dataclass(frozen=True)
class Grid:
    """The grid to ask; each field is an option of every command that asks one."""

    backend: Annotated[
        str,
        typer.Option(envvar="DIRAC_PRODSYS_BACKEND", help="Gateway to use: dirac, agent, memory."),
    ] = "dirac"
    config: Annotated[
        str, typer.Option(envvar="DIRACSYSCONFIG", help="DIRAC configuration file or server URL.")
    ] = ""
    proxy: Annotated[
        str, typer.Option(envvar="X509_USER_PROXY", help="Proxy of a production group.")
    ] = ""
    group: Annotated[str, typer.Option(help="DIRAC group, if not the proxy's own.")] = ""
    dirac_python: Annotated[
        str,
        typer.Option(
            envvar="DIRAC_PRODSYS_PYTHON", help="Python that has DIRAC, with --backend agent."
        ),
    ] = ""
    timeout: Annotated[float, typer.Option(help="Seconds after which a call is given up.")] = 60.0

    def gateway(self) -> ProductionGateway:
        """Open the gateway that the options name; makes no call."""
        from dirac_prodsys.gateway import open_gateway
        from dirac_prodsys.gateway.records import GatewaySettings

        return open_gateway(GatewaySettings(**vars(self)))


def with_grid(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a grid after a command's own, for its first parameter, ``grid``."""
    # typer reads the options from the signature
    own = inspect.signature(command, eval_str=True)
    options = inspect.signature(Grid, eval_str=True).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:
        grid = Grid(**{name: given.pop(name) for name in options})
        command(grid, **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    mine = [one for name, one in own.parameters.items() if name != "grid"]
    together = [one.replace(kind=keyword) for one in (*mine, *options.values())]
    with_options.__signature__ = inspect.Signature(together)  # type: ignore[attr-defined]
    return with_options


def plan_of(gateway: ProductionGateway, file: Path, run: str) -> ProductionPlan:
    """Return the plan of a run of a production file.

    :param run: its ID in Airflow, or its tag.
    """
    from dirac_prodsys.core.plan.compile import compile as compile_plan

    if not run:
        raise typer.BadParameter("--file needs --run")
    production = read_production(file)
    return compile_plan(production, run=tag_on_grid(gateway, production.name, run))


def tag_of(run: str) -> str:
    """Return the tag of a run, given its ID in Airflow or its tag; no grid is asked.

    :raises DefinitionError: it names no single run.
    """
    from dirac_prodsys.core.naming import tags_meant

    return tags_meant(run)[0]


def tag_on_grid(gateway: ProductionGateway, production: str, run: str) -> str:
    """Return the same with a grid: if the text may be ID or tag, the grid's tags decide."""
    from dirac_prodsys.core.naming import tags_meant

    tags = tags_meant(run)
    there = run_tags(gateway, production) if len(tags) > 1 else ()
    return next((tag for tag in tags if tag in there), tags[0])


def run_tags(gateway: ProductionGateway, production: str) -> set[str]:
    """Return the tags of the runs of a production that the grid has."""
    from dirac_prodsys.core.naming import name_parts

    listed = (name_parts(one.name) for one in gateway.list_transformations([production]))
    return {parts.run for parts in listed if parts is not None and parts.production == production}
