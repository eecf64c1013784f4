"""``dirac-prodsys new``: a production to begin with, written from a template.

Invariant: no file is ever overwritten, and what is written lints clean.
"""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import typer

from dirac_prodsys.cli.exits import readable_errors

#: each is the file of its name in ``cli/templates``
Template = Literal["simulation", "chain", "merge", "replication", "ctao"]

SCHEMA = "production.schema.json"


def new(
    name: Annotated[str, typer.Argument(help="Name of the production, and of its file.")],
    template: Annotated[Template, typer.Option(help="What to begin with.")] = "chain",
    vo: Annotated[str, typer.Option(help="Virtual organisation that owns the files.")] = "sim",
    folder: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Where the file is written.")
    ] = Path("include/productions"),
    as_json: Annotated[bool, typer.Option("--json", help="What was written, as JSON.")] = False,
) -> None:
    """Write a production to begin with, with comments; never over a file that exists."""
    from dirac_prodsys.core.naming import check_name
    from dirac_prodsys.errors import DefinitionError

    file = folder / f"{name}.yaml"
    with readable_errors():
        check_name(name, "production")
        check_name(vo, "virtual organisation")
        text = _head(template, folder) + _body(template).replace("@NAME@", name).replace("@VO@", vo)
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            why = "exists already" if isinstance(error, FileExistsError) else error.strerror
            hint = "choose another name, or another --folder"
            raise DefinitionError(f"{file} {why}", hint) from None
    if as_json:
        typer.echo(json.dumps({"file": str(file), "template": template, "name": name}))
    else:
        typer.echo(f"{file}: edit it, then: dirac-prodsys lint {file}")


def _body(template: str) -> str:
    return (resources.files("dirac_prodsys.cli") / "templates" / f"{template}.yaml").read_text(
        "utf-8"
    )


def _head(template: str, folder: Path) -> str:
    """The line by which editors find the schema, which knows the native form only.

    Without the project around it, the schema is looked for beside the file.
    """
    if template == "ctao":
        return ""
    here = folder.resolve()
    known = (parent / "docs" / "reference" / SCHEMA for parent in (here, *here.parents))
    schema = next((os.path.relpath(path, here) for path in known if path.is_file()), SCHEMA)
    return f"# yaml-language-server: $schema={schema}\n"
