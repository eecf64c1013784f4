"""Installs the JSON Schema as a file, and finds it for an editor.

A schema in the folder of the productions travels with them, by its relative path. Without one,
editors are led to the user's data folder: unlike a file of the package, it stays where it is when
an environment is made anew, moved or removed.

Invariant: a file that differs is replaced only on request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dirac_prodsys.errors import DefinitionError

Of = Literal["production", "site"]


@dataclass(frozen=True)
class SchemaFile:
    """A schema file that exists.

    :param reference: path or URL in a production's first line that leads an editor to it.
    """

    path: Path
    reference: str

    @property
    def line(self) -> str:
        """Return the line by which the YAML language server finds it."""
        return f"# yaml-language-server: $schema={self.reference}"


def file_name(of: Of = "production") -> str:
    """Return the name of a schema's file."""
    return f"{of}.schema.json"


def schema_text(of: Of = "production") -> str:
    """Return the schema of this version."""
    if of == "site":
        from dirac_prodsys.core.site import reference

        return json.dumps(reference.json_schema(), indent=1, ensure_ascii=False) + "\n"
    from dirac_prodsys.core.language.schema import json_schema

    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def data_folder() -> Path:
    """Return the user's data folder, by the XDG Base Directory Specification."""
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    base = given if given.is_absolute() else Path.home() / ".local" / "share"
    return base / "dirac-prodsys"


def install(of: Of, folder: Path | None, *, force: bool = False) -> tuple[SchemaFile, str]:
    """Write a schema; return it, and what was done.

    That is ``written``, ``replaced`` or ``there already``.

    :param folder: folder of the files that it describes; None: the user's data folder.
    :param force: replace a file that differs.
    :raises DefinitionError: such a file exists, or it cannot be written.
    """
    path = (folder or data_folder()) / file_name(of)
    text = schema_text(of)
    there = SchemaFile(path, path.name if folder else path.absolute().as_uri())
    try:
        if path.exists():
            if path.read_text("utf-8") == text:
                return there, "there already"
            if not force:
                raise DefinitionError(
                    f"{path} exists and differs: it is of another version, or not ours",
                    "--force replaces it; or install it in another folder",
                )
            path.write_text(text, "utf-8")
            return there, "replaced"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise DefinitionError(f"{path}: {why}", "install it in another folder") from None
    return there, "written"


def find_schema(folder: Path) -> SchemaFile | None:
    """Return the schema for the productions of a folder: the nearest above it, or the user's."""
    here = folder.resolve()
    for path in _above(here):
        if path.is_file():
            return SchemaFile(path, os.path.relpath(path, here))
    path = data_folder() / file_name()
    return SchemaFile(path, path.as_uri()) if path.is_file() else None


def _above(here: Path) -> Iterator[Path]:
    """Yield the places in a project where a schema may lie."""
    for parent in (here, *here.parents):
        yield parent / file_name()
        yield parent / "docs" / "reference" / file_name()


def is_current(schema: SchemaFile) -> bool:
    """Check whether it is the schema of this version."""
    try:
        return bool(json.loads(schema.path.read_text("utf-8")) == json.loads(schema_text()))
    except (OSError, ValueError):
        return False
