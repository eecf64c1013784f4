"""``dirac-prodsys schema``: every key of version 1, for editors and for readers.

Invariant: what is printed is made of the models at that moment; the copies in ``docs/reference``
are compared with it by a test.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def schema(
    output: Annotated[
        Literal["json", "markdown"],
        typer.Option("--format", help="JSON Schema; or the reference of every key."),
    ] = "json",
    of: Annotated[
        Literal["production", "site"],
        typer.Option("--of", help="Of production files; or of the site's file."),
    ] = "production",
) -> None:
    """Print the JSON Schema of production files, or the reference of every key.

    Editors with the YAML language server complete and check by it; begin a file with
    ``# yaml-language-server: $schema=production.schema.json``.
    """
    if of == "site":
        from dirac_prodsys.core.site import reference

        known = json.dumps(reference.json_schema(), indent=1, ensure_ascii=False) + "\n"
        typer.echo(known if output == "json" else reference.markdown(), nl=False)
        return
    if output == "markdown":
        from dirac_prodsys.core.language.reference import markdown

        typer.echo(markdown(), nl=False)
        return
    from dirac_prodsys.core.language.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=1, ensure_ascii=False))
