"""Finds the place of everything in a GraphML text, and checks on the way that the text is harmless.

Expat reads the text, with line and column; networkx then reads its meaning.

Invariant: a text with a DOCTYPE is refused before any entity of it is read, and so is one that is
nested deeper than :data:`MAX_DEPTH`: a second reader meets neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from dirac_prodsys.core.text.document import Text
from dirac_prodsys.errors import DefinitionErrors

#: maximum depth of nested elements
MAX_DEPTH = 50

#: line and column, from 1
Place = tuple[int, int]


@dataclass
class Words:
    """A text between two tags, and the place of each of its parts.

    :param place: place of the first character, or of the tag if there is none.
    """

    place: Place
    text: str = ""
    parts: list[tuple[int, Place]] = field(default_factory=list)

    def add(self, text: str, place: Place) -> None:
        """Add another part."""
        if not self.parts:
            self.place = place
        self.parts.append((len(self.text), place))
        self.text += text

    def at(self, offset: int) -> Place:
        """Return the place of the character with that number, from 0."""
        found = self.place
        for start, (line, column) in self.parts:
            if start > offset:
                break
            found = (line, column + offset - start)
        return found


@dataclass
class Places:
    """The places in one graph.

    :param nodes: ID → place; ``edges``: the IDs of both ends → place.
    :param data: ID of the node (empty for the graph's own) and name of the attribute → its text.
    """

    graph: Place = (1, 1)
    nodes: dict[str, Place] = field(default_factory=dict)
    edges: dict[tuple[str, str], Place] = field(default_factory=dict)
    data: dict[tuple[str, str], Words] = field(default_factory=dict)
    directed: bool = True


def places(text: Text) -> Places:
    """Return the places in a GraphML text.

    :raises DefinitionErrors: it is not XML, or not of the form that is read here.
    """
    reader = _Reader(text)
    try:
        reader.parser.Parse(text.text, True)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        raise _wrong(
            text, (error.lineno, error.offset + 1), f"it is no GraphML: {why}", "mend the XML there"
        ) from None
    return reader.found


class _Reader:
    def __init__(self, text: Text) -> None:
        self.text = text
        self.found = Places()
        self.names: dict[str, str] = {}
        self.depth = 0
        self.node = ""
        self.words: Words | None = None
        self.words_depth = 0
        self.in_edge = False
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = False
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    @property
    def _place(self) -> Place:
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1

    def _doctype(self, *_declared: object) -> None:
        raise _wrong(
            self.text,
            self._place,
            "a DOCTYPE is not allowed here",
            "save it as plain GraphML, without <!DOCTYPE …>",
        )

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _wrong(
                self.text, self._place, f"nested deeper than {MAX_DEPTH} levels", "make it flatter"
            )
        local = tag.rpartition(":")[2]
        if self.depth == 1 and local != "graphml":
            raise _wrong(
                self.text,
                self._place,
                f"it is no GraphML, but a document of {tag!r}",
                "save it as GraphML, or write the production as YAML",
            )
        if local == "key" and "id" in attributes:
            self.names[attributes["id"]] = attributes.get("attr.name", "")
        elif local == "graph" and self.depth > 2:
            raise _wrong(
                self.text, self._place, "a graph inside of a node is not read", "ungroup the nodes"
            )
        elif local == "graph":
            self.found.graph = self._place
            self.found.directed = attributes.get("edgedefault") != "undirected"
        elif local == "node":
            self._node(attributes.get("id", ""))
        elif local == "edge":
            ends = (attributes.get("source", ""), attributes.get("target", ""))
            self.found.edges.setdefault(ends, self._place)
            self.in_edge = True
        elif local == "data" and not self.in_edge:
            name = self.names.get(attributes.get("key", ""), "")
            self.words, self.words_depth = Words(self._place), self.depth
            self.found.data[self.node, name] = self.words

    def _node(self, identifier: str) -> None:
        if identifier in self.found.nodes:
            raise _wrong(
                self.text,
                self._place,
                f"two nodes have the ID {identifier!r}",
                "give one of them another",
            )
        self.found.nodes[identifier] = self._place
        self.node = identifier

    def _end(self, tag: str) -> None:
        self.depth -= 1
        local = tag.rpartition(":")[2]
        if local == "node":
            self.node = ""
        elif local == "edge":
            self.in_edge = False
        elif local == "data":
            self.words = None

    def _characters(self, characters: str) -> None:
        if self.words is not None and self.depth == self.words_depth:
            self.words.add(characters, self._place)


def _wrong(text: Text, place: Place, reason: str, hint: str) -> DefinitionErrors:
    return DefinitionErrors([text.error(*place, reason, hint, "graphml")])
