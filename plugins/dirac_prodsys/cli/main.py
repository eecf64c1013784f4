"""Wires the subcommands of ``dirac-prodsys`` together, and nothing else.

Invariant: a subcommand lives in the file of its name; starting up imports typer and nothing slower.
"""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from dirac_prodsys import __version__
from dirac_prodsys.cli.actions.commands import add_actions
from dirac_prodsys.cli.check import check
from dirac_prodsys.cli.convert import convert
from dirac_prodsys.cli.datasets.commands import add_datasets
from dirac_prodsys.cli.diff import diff
from dirac_prodsys.cli.doctor import doctor
from dirac_prodsys.cli.explain import explain
from dirac_prodsys.cli.graph import graph
from dirac_prodsys.cli.history.commands import history
from dirac_prodsys.cli.history.summary import summary
from dirac_prodsys.cli.init import init
from dirac_prodsys.cli.lint import lint
from dirac_prodsys.cli.new import new
from dirac_prodsys.cli.options.help_examples import epilog
from dirac_prodsys.cli.plan import plan
from dirac_prodsys.cli.rehearse import rehearse
from dirac_prodsys.cli.report import report
from dirac_prodsys.cli.runs import runs
from dirac_prodsys.cli.schema import schema
from dirac_prodsys.cli.status import status

#: objects until garbage is collected: starting up makes many, and none of them is garbage
_GARBAGE = 50_000

app = typer.Typer(
    name="dirac-prodsys",
    help="Check production files, and see what they would send to DIRAC and what came of it.",
    epilog="Exit codes: 0 fine, 2 a production file (or the command line) is wrong, "
    "3 the grid, or the ledger, did not answer as asked, 4 the production cannot go on by itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for _command in (
    init,
    new,
    lint,
    plan,
    graph,
    explain,
    rehearse,
    diff,
    convert,
    schema,
    runs,
    status,
    report,
    summary,
    check,
    doctor,
):
    app.command(epilog=epilog(_command.__name__))(_command)
app.add_typer(history)
add_datasets(app)
add_actions(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dirac-prodsys {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Check production files, and see what they would send to DIRAC and what came of it."""
    gc.set_threshold(_GARBAGE)
