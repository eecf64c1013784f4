"""Represents data as a tree in which every value keeps its place through all changes.

Invariant: trees are never changed, only made anew, so that branches may share what they have in
common; and every value has a place in a file that a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dirac_prodsys.core.problems import Path
from dirac_prodsys.core.text.document import Document, Node, Text
from dirac_prodsys.errors import DefinitionError

#: maximum number of values, and of characters of text, of all steps together, written out
MAX_VALUES, MAX_CHARACTERS = 100_000, 4 * 1024 * 1024
#: the place of values that are written in no single place
NOWHERE = Node(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Located:
    """A value and its place.

    :param value: a scalar; or a dict or tuple of :class:`Located`.
    :param node: the place of the value and of its key.
    """

    value: Any
    node: Node

    def get(self, *path: str) -> Located | None:
        """Return the value below these keys; None if one of them is missing."""
        found: Located | None = self
        for key in path:
            inside = found.value if found is not None else None
            found = inside.get(key) if isinstance(inside, dict) else None
        return found

    def value_at(self, *path: str) -> Any:
        """Return the value below these keys without its place; None if there is none."""
        found = self.get(*path)
        return None if found is None else found.value

    def items(self) -> Iterator[tuple[str, Located]]:
        """Yield the entries of a mapping; none for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def text(self, *path: str) -> str | None:
        """Return the text below these keys; None if there is none, or it is not text."""
        found = self.value_at(*path)
        return found if isinstance(found, str) else None

    def put(self, entries: Mapping[str, Located]) -> Located:
        """Return this mapping with some entries set."""
        return replace(self, value={**self.value, **entries})

    def drop(self, *keys: str) -> Located:
        """Return this mapping without some entries."""
        return replace(self, value={k: v for k, v in self.value.items() if k not in keys})

    def scalar(self, value: Any) -> Located:
        """Return another scalar at this place."""
        return Located(value, replace(self.node, plain=None))

    def plain(self) -> Any:
        """Return the data without places."""
        if isinstance(self.value, dict):
            return {key: entry.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [entry.plain() for entry in self.value]
        return self.value


class TooManyMistakes(Exception):
    """There are more mistakes than anybody would read, and looking for more costs time."""


@dataclass
class Mistakes:
    """Collects mistakes at their places; the same one in many branches counts once.

    :param source: the text for places without a text of their own.
    :param most: maximum number of calls of :meth:`add`.
    """

    source: Text
    found: list[DefinitionError] = field(default_factory=list)
    most: int = 5_000
    _noted: set[tuple[str, int, int, str]] = field(default_factory=set, repr=False)

    def add(
        self,
        where: Located,
        reason: str,
        hint: str,
        *,
        on_key: bool = False,
        code: str = DefinitionError.code,
    ) -> None:
        """Note a mistake, at a value or at its key.

        :raises TooManyMistakes: it has been called too often.
        """
        self.most -= 1
        if self.most < 0:
            raise TooManyMistakes
        node = where.node
        line, column = (node.key_line, node.key_column) if on_key else (node.line, node.column)
        source = node.source or self.source
        mistake = (source.file, line, column, reason)
        if mistake not in self._noted:
            self._noted.add(mistake)
            self.found.append(source.error(line, column, reason, hint, code))


def locate(document: Document, *, foreign: bool = False) -> Located:
    """Return the tree of a document.

    :param foreign: whether it becomes part of another document, so that its places must name their
        file.
    """

    def tree(value: Any, path: Path) -> Located:
        node = document.nodes[path]
        if foreign:
            node = replace(node, source=document.source)
        if isinstance(value, dict):
            return Located({key: tree(v, (*path, key)) for key, v in value.items()}, node)
        if isinstance(value, list):
            return Located(tuple(tree(v, (*path, i)) for i, v in enumerate(value)), node)
        return Located(value, node)

    return tree(document.data, ())


def written_out(tree: Located, document: Document) -> Document:
    """Return the document made of the tree."""
    nodes: dict[Path, Node] = {}

    def data(located: Located, path: Path) -> Any:
        nodes[path] = located.node
        if isinstance(located.value, dict):
            return {key: data(v, (*path, key)) for key, v in located.value.items()}
        if isinstance(located.value, tuple):
            return [data(v, (*path, i)) for i, v in enumerate(located.value)]
        return located.value

    return replace(document, data=data(tree, ()), nodes=nodes)


def extent(tree: Located, values_enough: int, characters_enough: int) -> tuple[int, int]:
    """Count the values, and the characters of text, that the tree has once it is written out.

    What several branches share counts for each of them, and is looked at once. Counting stops when
    there are more than enough of either.
    """
    known: dict[int, tuple[int, int]] = {}

    def of(located: Located) -> tuple[int, int]:
        found = known.get(id(located))
        if found is None:
            inside: Iterable[Located] = ()
            if isinstance(located.value, dict):
                inside = located.value.values()
            elif isinstance(located.value, tuple):
                inside = located.value
            values, characters = 1, len(located.value) if isinstance(located.value, str) else 0
            for one in inside:
                if isinstance(one.value, dict | tuple):
                    more = of(one)
                    values, characters = values + more[0], characters + more[1]
                else:
                    values += 1
                    characters += len(one.value) if isinstance(one.value, str) else 0
                if values > values_enough or characters > characters_enough:
                    break
            found = known[id(located)] = (values, characters)
        return found

    return of(tree)


def overlay(base: Located, over: Located) -> Located:
    """Lay ``over`` over ``base``: mappings entry by entry, anything else replaced.

    A null entry removes the entry of the base.
    """
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    merged = dict(base.value)
    for key, entry in over.value.items():
        if key not in merged:
            merged[key] = entry
        elif entry.value is None:
            del merged[key]
        else:
            merged[key] = overlay(merged[key], entry)
    return Located(merged, over.node)
