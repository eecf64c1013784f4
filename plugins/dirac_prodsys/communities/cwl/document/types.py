"""Reads the type of a port of CWL, in any of its short forms."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

#: types that are one value
SIMPLE = frozenset({"null", "boolean", "int", "long", "float", "double", "string"})
FILES = frozenset({"File", "Directory"})
#: an output that is what a program writes
STREAMS = frozenset({"stdout", "stderr"})
_NAMED = SIMPLE | FILES | {"Any", "stdin"} | STREAMS
_COMPLEX = frozenset({"array", "record", "enum"})


class AnyName(Container[str]):
    """Holds every name: that of a type of a document that was checked."""

    def __contains__(self, name: object) -> bool:
        return True


@dataclass(frozen=True)
class CwlType:
    """A type, as far as it matters which values go from one step to another.

    :param base: ``File``, ``int``, …; ``record``, ``enum``; ``union`` of several.
    :param depth: how many arrays are around it; of a union, the fewest.
    :param optional: whether null is one of its values.
    :param choices: the bases of a union, and the symbols of an enum.
    """

    base: str
    depth: int = 0
    optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether its values are files, or arrays of them."""
        return self.base == "File" or (self.base == "union" and set(self.choices) == {"File"})

    def takes_files(self, *, many: bool) -> bool:
        """Whether a file can be its value; ``many``: a list of files."""
        if self.base == "Any":
            return True
        if self.base == "union":
            return "File" in self.choices
        return self.base == "File" and self.depth == int(many)

    def words(self) -> str:
        """Return the type as CWL writes it."""
        base = " or ".join(self.choices) if self.base == "union" else self.base
        return f"{base}{'[]' * self.depth}{'?' if self.optional else ''}"


def read_type(written: Any, named: Container[str] = ()) -> CwlType | None:
    """Return the type; None if it is none.

    :param written: plain data, as written below ``type``.
    :param named: names of types that the document declares.
    """
    if isinstance(written, str):
        return _of_word(written, named)
    if isinstance(written, list):
        return _union(written, named)
    if isinstance(written, Mapping):
        return _of_mapping(written, named)
    return None


def _of_word(word: str, named: Container[str]) -> CwlType | None:
    optional = word.endswith("?")
    base = word.removesuffix("?")
    depth = 0
    while base.endswith("[]"):
        base, depth = base[:-2], depth + 1
    if base in STREAMS or base == "stdin":
        base = "File"
    if base in _NAMED:
        return CwlType(base, depth, optional or base == "null")
    if "#" in base or base in named:
        return CwlType("record", depth, optional)
    return None


def _union(written: list[Any], named: Container[str]) -> CwlType | None:
    found = [read_type(entry, named) for entry in written]
    types = [kind for kind in found if kind is not None]
    if len(types) < len(found) or not types:
        return None
    optional = any(kind.optional for kind in types)
    left = [kind for kind in types if kind.base != "null"]
    if len(left) == 1:
        return CwlType(left[0].base, left[0].depth, optional, left[0].choices)
    if not left:
        return CwlType("null", 0, True)
    depths = {kind.depth for kind in left}
    return CwlType("union", min(depths), optional, tuple(sorted({kind.base for kind in left})))


def _of_mapping(written: Mapping[str, Any], named: Container[str]) -> CwlType | None:
    kind = written.get("type")
    if kind == "array":
        inside = read_type(written.get("items"), named)
        if inside is None:
            return None
        return CwlType(inside.base, inside.depth + 1, False, inside.choices)
    if kind == "enum":
        symbols = written.get("symbols")
        words = symbols if isinstance(symbols, list) else []
        return CwlType("enum", 0, False, tuple(map(str, words)))
    if kind == "record":
        return CwlType("record")
    return read_type(kind, named) if isinstance(kind, str | list | Mapping) else None


def fits(value: Any, kind: CwlType) -> bool:
    """Whether a value is of the type, as far as a value without files can be."""
    if value is None:
        return kind.optional or kind.base in ("null", "Any")
    return _fits_deep(value, kind, kind.depth)


def _fits_deep(value: Any, kind: CwlType, depth: int) -> bool:
    if depth:
        return isinstance(value, list) and all(_fits_deep(v, kind, depth - 1) for v in value)
    base = kind.base
    if base == "union":
        if isinstance(value, list):
            return True
        return any(_fits_deep(value, CwlType(choice), 0) for choice in kind.choices)
    if base in ("int", "long"):
        return isinstance(value, int) and not isinstance(value, bool)
    if base in ("float", "double"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if base == "string":
        return isinstance(value, str)
    if base == "boolean":
        return isinstance(value, bool)
    if base == "enum":
        return isinstance(value, str) and (
            not kind.choices or value in {c.rpartition("/")[2].lstrip("#") for c in kind.choices}
        )
    if base in FILES:
        return isinstance(value, Mapping) and value.get("class") == base
    return base in ("record", "Any")
