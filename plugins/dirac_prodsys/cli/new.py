"""Writes a production to begin with, from a template: ``dirac-prodsys new``.

Invariant: no file is ever overwritten, the written file lints clean, and the schema that its first
line names exists.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.errors import DefinitionError

if TYPE_CHECKING:
    from dirac_prodsys.cli.schema_file import SchemaFile

#: our own templates: each is the file of its name in ``cli/templates``
TEMPLATES = ("simulation", "chain", "merge", "replication")


def new(
    name: Annotated[str, typer.Argument(help="Name of the production, and of its file.")],
    template: Annotated[
        str, typer.Option(help=f"What to begin with: {', '.join(TEMPLATES)}, or a community's.")
    ] = "chain",
    vo: Annotated[str, typer.Option(help="Virtual organisation that owns the files.")] = "sim",
    folder: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Where the file is written.")
    ] = Path("include/productions"),
    as_json: Annotated[bool, typer.Option("--json", help="What was written, as JSON.")] = False,
) -> None:
    """Write a production to begin with, with comments; never over a file that exists."""
    from dirac_prodsys.core.naming import check_name

    file = folder / f"{name}.yaml"
    with readable_errors():
        check_name(name, "production")
        check_name(vo, "virtual organisation")
        text, native = template_text(template)
        try:
            opened = file.open("x", encoding="utf-8")
        except OSError as error:
            why = "exists already" if isinstance(error, FileExistsError) else error.strerror
            hint = "choose another name, or another --folder"
            raise DefinitionError(f"{file} {why}", hint) from None
    with opened:
        # the schema describes the native form only
        schema = _schema(folder) if native else None
        head = f"{schema.line}\n" if schema is not None else ""
        opened.write(head + text.replace("@NAME@", name).replace("@VO@", vo))
    if as_json:
        reference = schema.reference if schema is not None else ""
        facts = {"file": str(file), "template": template, "name": name, "schema": reference}
        typer.echo(json.dumps(facts))
    else:
        typer.echo(f"{file}: edit it, then: dirac-prodsys lint {file}")


def _schema(folder: Path) -> SchemaFile | None:
    """Return the schema for editors; if there is none, install it for the user."""
    from dirac_prodsys.cli.schema_file import find_schema, install, is_current

    found = find_schema(folder)
    if found is None:
        try:
            found, done = install("production", None)
        except DefinitionError as error:
            typer.echo(f"without a schema for editors: {error}", err=True)
            return None
        typer.echo(f"schema for editors: {found.path}: {done}", err=True)
    elif not is_current(found):
        where = "" if found.reference.startswith("file:") else f" {found.path.parent}"
        way = f"dirac-prodsys schema --install{where} --force"
        typer.echo(f"{found.path} is not the schema of this version: {way}", err=True)
    return found


def template_text(name: str) -> tuple[str, bool]:
    """Return the text of a template, and whether it has the native form.

    :raises DefinitionError: there is none of that name.
    """
    if name in TEMPLATES:
        return _text("dirac_prodsys.cli", f"templates/{name}.yaml"), True
    from dirac_prodsys.core.community import communities, failure
    from dirac_prodsys.core.problems import nearest

    others = {c.name: c for c in communities() if c.template}
    if name not in others:
        hint = failure(name) or nearest(name, (*TEMPLATES, *others))
        raise DefinitionError(f"there is no template {name!r}", hint)
    package, _, file = others[name].template.partition(":")
    text = _text(package, file)
    return text, not any(line.startswith(others[name].form_keys) for line in text.split("\n"))


def _text(package: str, file: str) -> str:
    return (resources.files(package) / file).read_text("utf-8")
