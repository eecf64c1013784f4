"""Defines the options that name a production file, a run and the run's values.

Invariant: the options have the same names and meaning in every subcommand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dirac_prodsys.cli.options.completion import files, runs

ProductionFile = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, autocompletion=files, help="A production file."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameters", "-p", metavar="NAME=VALUE", help="A parameter of the run."),
]
Datasets = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help='JSON {"dataset": {meta query}}, for inputs.'),
]


def run_option(words: str) -> Any:
    """Declare the option that names a run, by its ID or its tag.

    :param words: its help.
    """
    return typer.Option("--run", metavar="RUN", autocompletion=runs, help=words)
