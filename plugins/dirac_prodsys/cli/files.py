"""Production files on disk: which ones a path means, and how one becomes a ``Production``.

Invariant: a file that cannot be read is a definition error with its name, like any other mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dirac_prodsys.errors import DefinitionError, DefinitionErrors

if TYPE_CHECKING:
    from dirac_prodsys.core.production import Production

SUFFIXES = frozenset({".yaml", ".yml"})


def production_files(paths: Iterable[Path]) -> list[Path]:
    """The files that ``paths`` mean, in order: a file is itself, a folder every YAML below it.

    Hidden files and folders are left out, as editors and version control put theirs there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.suffix in SUFFIXES
                and file.is_file()
                and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return list(found)


def read_production(path: Path) -> Production:
    """Read and check one file.

    :raises DefinitionErrors: all that is wrong with it.
    """
    from dirac_prodsys.core.dialects import load_production
    from dirac_prodsys.core.yaml_source import MAX_BYTES

    name = str(path)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)  # one byte too many is refused there, not here
    except OSError as error:
        problem = DefinitionError(f"cannot be read: {error.strerror}", file=name)
        raise DefinitionErrors([problem]) from error
    return load_production(text, name, beside=_beside(path))


def _beside(path: Path) -> Callable[[str], str | None]:
    """Reads files by their name as a production file says it: from its own folder on."""

    def read(name: str) -> str | None:
        try:
            return (path.parent / name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    return read
