"""Controls the grid by hand: ``python -m sandbox up|down|status|wipe``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.configuration import dirac_versions
from sandbox.configuration.profiles import PROFILES
from sandbox.errors import SandboxError, raise_when_told_to_end
from sandbox.grid.grid import Grid
from sandbox.state import State

app = typer.Typer(
    help="A real DIRAC grid on this machine, on loopback only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console(soft_wrap=True, highlight=False)
_err = Console(soft_wrap=True, highlight=False, stderr=True)

StateOption = Annotated[Path, typer.Option("--state", help="Directory of the grid's files.")]
DEFAULT_STATE = Path(".demo/grid")


def _fail(error: SandboxError) -> NoReturn:
    _err.print(f"[red]sandbox:[/red] {escape(str(error))}")
    raise typer.Exit(1) from error


def _kept(state: Path) -> Grid:
    """Return the grid as it was started last, for commands that take no profile."""
    facts = State(state).read("grid")
    profile = facts.get("profile", "light")
    return Grid(state, profile if profile in PROFILES else "light")


@app.command()
def up(
    state: StateOption = DEFAULT_STATE,
    profile: Annotated[str, typer.Option(help="light, or full with the WMS.")] = "light",
    separate: Annotated[
        list[str] | None,
        typer.Option(help="A service that gets a process of its own; may be repeated."),
    ] = None,
    dirac: Annotated[str, typer.Option(help="Another version of DIRAC, such as 9.0.")] = "",
) -> None:
    """Start the grid and wait until every service answers."""
    if dirac:
        try:
            dirac_versions.run_in(dirac)
        except SandboxError as error:
            _fail(error)
    raise_when_told_to_end()
    begin = time.monotonic()

    def say(message: str) -> None:
        _out.print(f"[dim]{time.monotonic() - begin:6.1f} s[/dim]  {escape(message)}")

    try:
        grid = Grid(state, profile, separate=separate or (), say=say)
        started = grid.up()
    except SandboxError as error:
        _fail(error)
    except KeyboardInterrupt:
        _err.print("sandbox: interrupted, everything stopped")
        raise typer.Exit(130) from None
    say(f"{'up' if started else 'already up'} ({profile}), every service answers")
    _out.print(f". {grid.state.env_sh}")


@app.command()
def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the grid; its data stays."""
    try:
        _kept(state).down()
    except SandboxError as error:
        _fail(error)
    _out.print("down")


@app.command()
def wipe(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the grid and remove its data."""
    try:
        _kept(state).wipe()
    except SandboxError as error:
        _fail(error)
    _out.print("down and empty")


@app.command()
def status(
    state: StateOption = DEFAULT_STATE,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show processes, ports, memory and readiness. Exit code 0: up; 1: in part; 3: not running."""
    facts = _kept(state).status()
    if as_json:
        json.dump(facts, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _show(facts)
    if facts["up"]:
        return
    raise typer.Exit(1 if facts["profile"] else 3)


def _show(facts: dict[str, Any]) -> None:
    if not facts["profile"]:
        _out.print(f"no grid is running in {facts['state']}")
        return
    table = Table("process", "state", "pid", "RSS MiB", "ports")
    for row in facts["processes"]:
        ports = ", ".join(map(str, row.get("ports", [])))
        size = str(row.get("rss_mib", ""))
        table.add_row(row["name"], row["state"], str(row.get("pid", "")), size, ports)
    _out.print(table)
    table = Table("service", "port", "ready", "ms")
    for name, row in facts["services"].items():
        word = "yes" if row["ready"] else f"no: {row.get('error', '')}"
        table.add_row(name, str(row["port"]), escape(word), str(row.get("ms", "")))
    _out.print(table)
    _out.print(
        f"{facts['profile']}, {'up' if facts['up'] else 'up in part'}; . env.sh in {facts['state']}"
    )
