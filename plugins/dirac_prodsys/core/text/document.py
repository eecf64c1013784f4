"""Represents a file that was read: its data, and where each value is written in the text.

Invariant: every path leads to a place. A path that the file does not have (a missing key) leads to
the nearest key above it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.errors import DefinitionError

#: characters of a source line that an excerpt shows
EXCERPT_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Node:
    """The place of one value; lines and columns count from 1.

    :param plain: the text of a scalar without quotes; None for anything else.
    :param source: the text that contains it, if that is not the document's own.
    """

    line: int
    column: int
    key_line: int
    key_column: int
    plain: str | None = None
    source: Text | None = None


@dataclass(frozen=True)
class Text:
    """A source text, lines ended by a newline, and its errors."""

    text: str
    file: str

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def line(self, number: int) -> str:
        """Return the line of that number, from 1; empty beyond the end."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def excerpt(self, line: int, column: int) -> str:
        """Return the line, cut around the place if it is long, with a caret below."""
        source = self.line(line)
        start = max(0, column - 1 - EXCERPT_WIDTH // 2) if len(source) > EXCERPT_WIDTH else 0
        label = f"{line:>5} | "
        caret = " " * (len(label) - 2) + "| " + " " * (column - 1 - start) + "^"
        shown = source[start : start + EXCERPT_WIDTH].replace("\t", " ")
        return f"{label}{shown}\n{caret}"

    def error(
        self, line: int, column: int, reason: str, hint: str, code: str = "yaml"
    ) -> DefinitionError:
        """Return an error at a place of this text.

        PyYAML places the end of a last line without a newline at the beginning of the next line.
        """
        if line > len(self._lines):
            line, column = len(self._lines), len(self._lines[-1]) + 1
        return DefinitionError(
            reason,
            hint,
            file=self.file,
            line=line,
            column=column,
            excerpt=self.excerpt(line, column),
            code=code,
        )


@dataclass(frozen=True)
class Document:
    """Data of a file, and the places of all values.

    :param data: the top-level mapping: plain dicts, lists and scalars.
    :param nodes: path of keys and indexes → place.
    :param read_sibling: reads the text of a file in the same folder, None if there is none.
    :param rewritten: whether the text has another form than YAML.
    """

    source: Text
    data: dict[str, Any]
    nodes: Mapping[Path, Node]
    read_sibling: Callable[[str], str | None] | None = None
    rewritten: bool = False

    @property
    def branches(self) -> Mapping[str, str]:
        """Map each branch of a step to the step as written, by name."""
        return {}

    @property
    def file(self) -> str:
        """Return the name of the file."""
        return self.source.file

    def node(self, path: Path) -> tuple[Node, bool]:
        """Return the node at the path, or the nearest above; and whether no key is missing there.

        Parts of the path that the file does not have are left out, and the rest is tried: an index
        into a value written as a single value is that value.
        """
        found: Path = ()
        exact = True
        for part in path:
            if (*found, part) in self.nodes:
                found = (*found, part)
            elif isinstance(part, str):
                exact = False
        return self.nodes[found], exact

    def error(self, problem: Problem) -> DefinitionError:
        """Return the problem as an error at its place.

        For a value that does not exist, this is the place of the nearest key above.
        """
        node, exact = self.node(problem.path)
        on_key = problem.on_key or not exact
        line = node.key_line if on_key else node.line
        column = node.key_column if on_key else node.column
        source = node.source or self.source
        return source.error(line, column, problem.reason, problem.hint, problem.code)
