"""Finds the production files that a path means, and reads one into a ``Production``.

Invariant: a file that cannot be read is a definition error with its name, like any other mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dirac_prodsys.errors import DefinitionError, DefinitionErrors

if TYPE_CHECKING:
    from dirac_prodsys.core.dialects import Reading
    from dirac_prodsys.core.production.production import Production


def production_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files of ``paths``, in order: a file is itself, a folder all productions below it.

    ``core/text/folder_files`` decides which files count, as for the Dag bundle.
    """
    from dirac_prodsys.core.text.folder_files import is_passed_over, is_production

    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if is_production(file.name)
                and not any(is_passed_over(part) for part in file.relative_to(path).parts)
            )
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return list(found)


def sub_folder(path: Path, given: Iterable[Path]) -> Path | None:
    """Return the sub-folder of a given folder in which a file was found; None: in no sub-folder.

    The bundle of a folder does not serve its sub-folders: each is a folder of its own.
    """
    if path in given or path.parent in given:
        return None
    return path.parent if any(folder in path.parents for folder in given) else None


def read_production(path: Path) -> Production:
    """Read and check one file.

    :raises DefinitionErrors: all that is wrong with it.
    """
    from dirac_prodsys.core.dialects import load_production

    return load_production(read_bytes(path), str(path), read_sibling=sibling_reader(path))


def read_with_places(path: Path) -> tuple[Production, Reading]:
    """Read as :func:`read_production`; return also the places of all things in the file."""
    from dirac_prodsys.core.dialects import inspect

    reading = inspect(read_bytes(path), str(path), read_sibling=sibling_reader(path))
    if reading.mistakes or reading.production is None:
        raise DefinitionErrors(reading.mistakes)
    return reading.production, reading


def complete_data(path: Path) -> dict[str, Any]:
    """Return a file merged with the files that it is made of, in the native form, checked.

    :raises DefinitionErrors: what is wrong with it.
    """
    from dirac_prodsys.core.community import community_of
    from dirac_prodsys.core.production.production import NATIVE
    from dirac_prodsys.core.text import reader

    production = read_production(path)
    if production.dialect != NATIVE:
        community = community_of(production.dialect)
        if not community.native_form:
            reason = f"nothing writes the form of {community.words} in the native form"
            raise DefinitionError(reason, "write it by hand")
        data: dict[str, Any] = community.offered(community.native_form)(production)
        return data
    return reader.parse(production.source, str(path)).data


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file; if it is too big for a production, one byte more than the limit.

    :raises DefinitionErrors: it cannot be read.
    """
    from dirac_prodsys.core.text.reader import MAX_BYTES

    try:
        if not path.is_file():  # a pipe or a device might never end
            reason = "is missing" if not path.exists() else "is no regular file"
            raise DefinitionErrors([_unreadable(path, reason)])
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DefinitionErrors([_unreadable(path, error.strerror or "it fails")]) from error


def _unreadable(path: Path, reason: str) -> DefinitionError:
    return DefinitionError(
        f"the file cannot be read: {reason}",
        "check its name and its permissions",
        file=str(path),
        line=1,
        column=1,
        code="unreadable",
    )


def sibling_reader(path: Path) -> Callable[[str], str | None]:
    """Return a function that reads files by name, relative to the folder of a production file.

    A link that leads out of the folder is no file of it, as for the Dag bundle.
    """
    from dirac_prodsys.core.text.reader import MAX_BYTES

    def read(name: str) -> str | None:
        other = path.parent / name
        if not other.is_file() or not leads_nowhere_else(other):
            return None
        try:
            with other.open("rb") as file:
                return file.read(MAX_BYTES + 1).decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    return read


def leads_nowhere_else(path: Path) -> bool:
    """Check whether a file lies in its folder, even if its name there is a link."""
    return path.resolve().is_relative_to(path.parent.resolve())
