"""The JSON Schema as a file: where an editor finds it, and how it gets there.

A file beside the productions travels with them, by its relative path. Without one, editors are led
to the user's data folder: unlike a file of the package, it stays where it is when an environment is
made anew, moved or removed.

Invariant: a file that differs is replaced only if that is asked for.
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
    """A schema that is there.

    :param reference: what a file's first line says to lead an editor to it.
    """

    path: Path
    reference: str

    @property
    def line(self) -> str:
        """The line by which the YAML language server finds it."""
        return f"# yaml-language-server: $schema={self.reference}"


def file_name(of: Of = "production") -> str:
    """What a schema's file is called."""
    return f"{of}.schema.json"


def schema_text(of: Of = "production") -> str:
    """The schema of this version."""
    if of == "site":
        from dirac_prodsys.core.site import reference

        return json.dumps(reference.json_schema(), indent=1, ensure_ascii=False) + "\n"
    from dirac_prodsys.core.language.schema import json_schema

    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def data_folder() -> Path:
    """The user's data folder, by the XDG Base Directory Specification."""
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    base = given if given.is_absolute() else Path.home() / ".local" / "share"
    return base / "dirac-prodsys"


def install(of: Of, folder: Path | None, *, force: bool = False) -> tuple[SchemaFile, str]:
    """Write a schema; returns it, and what was done: ``written``, ``replaced``, ``there already``.

    :param folder: of the files that it is for; None: the user's data folder.
    :param force: replace a file that differs.
    :raises DefinitionError: there is such a file, or it cannot be written.
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
                    f"{path} exists, and is another: of another version, or not ours",
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
    """The schema for the productions of a folder: the nearest above it, or the user's own."""
    here = folder.resolve()
    for path in _above(here):
        if path.is_file():
            return SchemaFile(path, os.path.relpath(path, here))
    path = data_folder() / file_name()
    return SchemaFile(path, path.as_uri()) if path.is_file() else None


def _above(here: Path) -> Iterator[Path]:
    """Where a schema may lie in a project."""
    for parent in (here, *here.parents):
        yield parent / file_name()
        yield parent / "docs" / "reference" / file_name()


def is_current(schema: SchemaFile) -> bool:
    """Whether it is the schema of this version."""
    try:
        return bool(json.loads(schema.path.read_text("utf-8")) == json.loads(schema_text()))
    except (OSError, ValueError):
        return False
