"""Lays out a project that can be deployed: ``dirac-prodsys init``.

Its files are those of ``cli/project``, a first production with the schema for editors, and secrets
that are drawn here and printed nowhere.

Invariant: a file that exists is never written to, whoever made it and whenever. Each file appears
as a whole, so that the command may be stopped anywhere, and run again or twice at once.
"""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from dirac_prodsys import __version__
from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.errors import DefinitionError

#: names in ``cli/project`` that begin with a dot in the project: packages leave out hidden files
_HIDDEN = ("dockerignore", "gitignore", "pre-commit-config.yaml", "vscode")
#: what the names of Python files end in there, for they are no code of the package
_TEMPLATE = ".template"
#: where the productions are
_PRODUCTIONS = "include/productions"
#: secrets that ``compose.yaml`` names; the key of Fernet has a form of its own
_SECRETS = (
    "postgres_password",
    "redis_password",
    "admin_password",
    "api_secret_key",
    "jwt_secret",
    "ledger_secret",
)
_FERNET_KEY = "fernet_key"


def init(
    folder: Annotated[
        Path, typer.Argument(file_okay=False, help="Where the project is, or is to be.")
    ],
    vo: Annotated[
        str, typer.Option(help="Virtual organisation that owns the files of the first production.")
    ] = "sim",
) -> None:
    """Lay out a project: a first production, and an Airflow that runs it, in containers or without.

    No file that exists is changed: what differs is left as it is, and named.
    """
    from dirac_prodsys.core.naming import check_name

    with readable_errors():
        check_name(vo, "virtual organisation")
        for place, content in _files(vo):
            typer.echo(f"{folder / place}: {_keep(folder / place, content)}")
        private = folder / "secrets"
        _make(private, 0o700)
        for place, content in _drawn():
            # the containers' user reads it, others do not pass the folder
            done = _keep(private / place, content)
            typer.echo(f"{private / place}: {'written' if done == 'written' else 'kept'}")
    typer.echo(f"{folder / 'README.md'} says how to begin")


def _files(vo: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a project: their places, and what they hold."""
    from dirac_prodsys.cli.new import template_text
    from dirac_prodsys.cli.schema_file import SchemaFile, file_name, schema_text

    for place, content in _packaged(resources.files("dirac_prodsys.cli") / "project"):
        yield place, content.replace(b"@VERSION@", __version__.encode())
    schema = SchemaFile(Path(file_name()), file_name())
    text, _ = template_text("chain")
    first = text.replace("@NAME@", "first").replace("@VO@", vo)
    yield f"{_PRODUCTIONS}/{file_name()}", schema_text().encode()
    yield f"{_PRODUCTIONS}/first.yaml", f"{schema.line}\n{first}".encode()


def _packaged(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder of the package, in order."""
    for one in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f".{one.name}" if one.name in _HIDDEN else one.name.removesuffix(_TEMPLATE)
        if one.is_dir():
            yield from _packaged(one, f"{above}{name}/")
        else:
            yield f"{above}{name}", one.read_bytes()


def _drawn() -> Iterator[tuple[str, bytes]]:
    """Yield a new value of each secret."""
    for name in _SECRETS:
        yield name, secrets.token_urlsafe(32).encode()
    yield _FERNET_KEY, base64.urlsafe_b64encode(secrets.token_bytes(32))


def _keep(path: Path, content: bytes) -> str:
    """Write a file unless there is one; return what was done.

    :raises DefinitionError: it cannot be written.
    """
    _make(path.parent)
    try:
        # a link to a whole file fails if the name is taken, unlike a rename
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".dirac-prodsys-") as draft:
            draft.write(content)
            draft.flush()
            os.fchmod(draft.fileno(), 0o644)
            os.link(draft.name, path)
    except FileExistsError:
        same = path.is_file() and path.read_bytes() == content
        return "there already" if same else "left as it is: it differs from what init writes"
    except OSError as error:
        raise _unwritable(path, error) from None
    return "written"


def _make(folder: Path, mode: int = 0o777) -> None:
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(path: Path, error: OSError) -> DefinitionError:
    return DefinitionError(f"{path}: {error.strerror}", "name another folder")
