"""Prints or installs every key of version 1, for editors and for readers: ``dirac-prodsys schema``.

Invariant: the output is made from the models at that moment; a test compares the copies in
``docs/reference`` with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.schema_file import Of, install, schema_text


def schema(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            exists=True,
            file_okay=False,
            help="With --install: the folder of the productions; else the user's data folder.",
        ),
    ] = None,
    output: Annotated[
        Literal["json", "markdown"],
        typer.Option("--format", help="json: JSON Schema; markdown: the reference of every key."),
    ] = "json",
    of: Annotated[
        Of, typer.Option("--of", help="Of production files, or of the site's file.")
    ] = "production",
    to_install: Annotated[
        bool, typer.Option("--install", help="Write it where editors find it, and say where.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --install: replace a file that differs.")
    ] = False,
) -> None:
    """Print the JSON Schema of production files, or the reference of every key.

    Editors with the YAML language server complete and check by it; ``--install`` writes it into a
    folder, or into the user's data folder, and says the line to begin a production with, which
    ``dirac-prodsys new`` writes.
    """
    if to_install:
        if output != "json":
            refuse("schema: editors take JSON: leave out --format markdown")
        with readable_errors():
            there, done = install(of, folder, force=force)
        typer.echo(f"{there.path}: {done}\nbegin a file with: {there.line}")
    elif folder is not None or force:
        refuse("schema: a folder and --force are for --install")
    elif output == "json":
        typer.echo(schema_text(of), nl=False)
    elif of == "site":
        from dirac_prodsys.core.site import reference

        typer.echo(reference.markdown(), nl=False)
    else:
        from dirac_prodsys.core.language.reference import markdown

        typer.echo(markdown(), nl=False)
