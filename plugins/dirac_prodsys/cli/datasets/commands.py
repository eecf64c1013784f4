"""Wires the subcommands of ``dirac-prodsys datasets`` together, and nothing else."""

from __future__ import annotations

import typer

from dirac_prodsys.cli.datasets.list import list_
from dirac_prodsys.cli.datasets.retire import retire
from dirac_prodsys.cli.datasets.show import show
from dirac_prodsys.cli.datasets.split import split
from dirac_prodsys.cli.datasets.verify import verify
from dirac_prodsys.cli.options.help_examples import epilog

_COMMANDS = {"list": list_, "show": show, "verify": verify, "split": split, "retire": retire}


def add_datasets(app: typer.Typer) -> None:
    """Add the command with its subcommands."""
    datasets = typer.Typer(
        name="datasets",
        help="Show, verify, divide and retire datasets of the file catalogue.",
        no_args_is_help=True,
    )
    for name, command in _COMMANDS.items():
        datasets.command(name, epilog=epilog(f"datasets {name}"))(command)
    app.add_typer(datasets)
