"""Reads GraphML text as data and places, as ``core/text/reader.py`` reads YAML.

Steps are nodes, parents are edges. The keys of a step are in its attribute ``definition``, or in
attributes with the names of its keys, as graph editors write them: ``type``, ``tasks``, and with
dots for deeper keys, ``job.executable``. Text in an attribute is YAML, as if it followed the key.
The name of a step is its attribute ``name`` or ``label``, else the ID of its node.

Invariant: the data are those that YAML would give, so that later code sees no difference.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core.language.graphml import (
    BRANCH_OF,
    DEFINITION,
    POSITION,
    STATE,
    branched,
)
from dirac_prodsys.core.language.graphml_places import Place, Places, Words, places
from dirac_prodsys.core.language.model import NativeFile, NativeStep
from dirac_prodsys.core.problems import Path, nearest
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.document import Document, Node, Text
from dirac_prodsys.core.text.scalar import resolve
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

if TYPE_CHECKING:
    import networkx

#: attributes in which editors keep names and looks, in the order in which they name a step
_NAMES = ("name", "label")
_LOOKS = frozenset(
    {*_NAMES, "x", "y", "z", "r", "g", "b", "a", "size", "color", "shape", "shape_type", "url"}
    | {"weight", "width", "height", "graphics", "node_default", "edge_default", "Description"}
)
_STEP_KEYS = frozenset(NativeStep.model_fields)
_FILE_KEYS = frozenset(NativeFile.model_fields) | {"extends"}
#: text that begins like this is YAML; other text of one line is one word of it
_FLOW = ("{", "[", '"', "'")


def none_at_all(error: DefinitionError) -> DefinitionErrors:
    """Return the errors for a file with this ending that is neither GraphML nor YAML."""
    reason = f"it is no GraphML, which begins with <graphml …>; and {error.reason}"
    return DefinitionErrors([error.another(reason, error.hint, "graphml")])


def parse(source: str | bytes, file: str) -> tuple[Document, list[DefinitionError]]:
    """Read one GraphML file; return the document, and what is worth reporting about it.

    :param file: its name, for messages.
    :raises DefinitionErrors: everything that is wrong with it as GraphML.
    """
    text = reader.text_of(source, file)
    where = places(text)
    graph = _graph(text, where)
    drawn = _Reader(text, where)
    drawn.read(graph)
    if drawn.errors:
        raise DefinitionErrors(drawn.errors)
    document = Document(text, drawn.data, drawn.nodes, rewritten=True)
    return document, drawn.remarks


def _graph(text: Text, where: Places) -> networkx.DiGraph[str]:
    import networkx

    if not where.directed and where.edges:
        raise _wrong(
            text,
            where.graph,
            "the graph is undirected: it does not show which of two steps is the parent",
            'draw arrows: edgedefault="directed"',
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = networkx.parse_graphml(text.text)
    except Exception as error:  # networkx has errors of many kinds
        raise _wrong(
            text, where.graph, f"it is no GraphML: {error}", "see `convert --to graphml`"
        ) from None
    return networkx.DiGraph(found)


def _wrong(text: Text, place: Place, reason: str, hint: str) -> DefinitionErrors:
    return DefinitionErrors([text.error(*place, reason, hint, "graphml")])


@dataclass
class _Reader:
    text: Text
    where: Places
    data: dict[str, Any] = field(default_factory=dict)
    nodes: dict[Path, Node] = field(default_factory=dict)
    errors: list[DefinitionError] = field(default_factory=list)
    remarks: list[DefinitionError] = field(default_factory=list)

    def read(self, graph: networkx.DiGraph[str]) -> None:
        self._at((), self.where.graph)
        defaults = graph.graph.get("node_default", {})
        self._attributes("", (), graph.graph, _FILE_KEYS)
        names = self._names(graph)
        self.data["steps"] = {}
        self._at(("steps",), self.where.graph)
        steps = set(names.values())
        for node, attributes in graph.nodes(data=True):
            given = {**defaults, **attributes}
            path: Path = ("steps", names[node])
            if _is_branch(names[node], given, steps - {names[node]}):
                continue
            self.data["steps"][names[node]] = {}
            self._at(path, self.where.nodes.get(node, self.where.graph))
            self._step(node, path, given)
        for node in graph.nodes:
            if names[node] in self.data["steps"]:
                self._parents(graph, node, names)

    # -- names and parents --

    def _names(self, graph: networkx.DiGraph[str]) -> dict[str, str]:
        names: dict[str, str] = {}
        taken: dict[str, str] = {}
        for node, attributes in graph.nodes(data=True):
            given = (str(attributes.get(key) or "").strip() for key in _NAMES)
            name = names[node] = next((word for word in given if word), str(node))
            if taken.setdefault(name, node) != node:
                place = self.where.nodes.get(node, self.where.graph)
                self._error(place, f"two nodes are named {name!r}", "give one another name")
        return names

    def _parents(self, graph: networkx.DiGraph[str], node: str, names: Mapping[str, str]) -> None:
        name = names[node]
        edges = [
            (self._position(parent, node, given), parent)
            for parent, _, given in graph.in_edges(node, data=True)
        ]
        parents = [parent for _, parent in sorted(edges, key=lambda edge: edge[0])]
        step = self.data["steps"][name]
        source = step.get("input") if isinstance(step, dict) else None
        if not parents or not isinstance(step, dict) or not isinstance(source, dict | None):
            return
        path: Path = ("steps", name, "input")
        places = [self.where.edges.get((parent, node), self.where.graph) for parent in parents]
        if source is not None and "from" in source:
            reason = f"step {name} says its parents, and edges lead to it, too"
            self._error(places[0], reason, "say it once: drop from, or the edges")
            return
        if source is None:
            self._at(path, places[0])
        named = [names[parent] for parent in parents]
        step["input"] = {"from": named[0] if len(named) == 1 else named, **(source or {})}
        self._at((*path, "from"), places[0])
        for number, place in enumerate(places if len(named) > 1 else ()):
            self._at((*path, "from", number), place)

    def _position(self, parent: str, node: str, given: Mapping[str, Any]) -> int:
        position = given.get(POSITION, 0)
        word = resolve(position.strip()) if isinstance(position, str) else position
        if isinstance(word, float) and word.is_integer():
            word = int(word)
        if isinstance(word, int) and not isinstance(word, bool):
            return word
        place = self.where.edges.get((parent, node), self.where.graph)
        self._error(place, f"the position {position!r} is no whole number", "count from 0")
        return 0

    # -- what attributes say --

    def _step(self, node: str, path: Path, given: Mapping[str, Any]) -> None:
        definition = given.get(DEFINITION)
        if definition not in (None, ""):
            words = self._words(node, DEFINITION)
            value = self._value(definition, words, path)
            if isinstance(value, dict):
                self.data["steps"][path[1]] = value
                self._at(path, words.place)
            else:
                kind = "a list" if isinstance(value, list) else f"{value!r}"
                self._error(
                    words.place,
                    f"the {DEFINITION} of step {path[1]} is {kind}, and not a mapping",
                    'write it so: {"type": "Merging", "job": {"type": "script", …}}',
                )
                return
        rest = {key: value for key, value in given.items() if key not in (DEFINITION, BRANCH_OF)}
        self._attributes(node, path, rest, _STEP_KEYS)

    def _attributes(
        self, node: str, path: Path, given: Mapping[str, Any], keys: Iterable[str]
    ) -> None:
        known = set(keys)
        for name, value in given.items():
            first = str(name).partition(".")[0]
            if value in (None, "") or (first not in known and (name in _LOOKS or first == STATE)):
                continue
            words = self._words(node, str(name))
            close = difflib.get_close_matches(first, known, n=1, cutoff=0.75)
            if first not in known and not close:
                reason = f"attribute {name!r} is no key of a {'step' if node else 'production'}"
                hint = f"it is not read; {nearest(first, known)}"
                line, column = words.place
                self.remarks.append(
                    self.text.error(line, column, reason, hint, "graphml-attribute")
                )
                continue
            self._put((*path, *str(name).split(".")), path, value, words)

    def _put(self, path: Path, top: Path, value: Any, words: Words) -> None:
        """Set the value at a path, and make the mappings on the way."""
        inside: Any = self.data
        for depth in range(len(path) - 1):
            inside = inside.setdefault(path[depth], {})
            if path[: depth + 1] not in self.nodes:
                self._at(path[: depth + 1], words.place)
            if not isinstance(inside, dict):
                break
        if not isinstance(inside, dict) or path[-1] in inside:
            key = ".".join(map(str, path[len(top) :]))
            self._error(words.place, f"{key} is given twice", "keep one of the two")
            return
        inside[path[-1]] = self._value(value, words, path)

    def _value(self, value: Any, words: Words, path: Path) -> Any:
        """Return the value of an attribute; its places are noted."""
        self._at(path, words.place)
        if not isinstance(value, str):
            integer = isinstance(value, float) and value.is_integer()
            return int(value) if integer else value  # editors write every number as a double
        bare = value.strip()
        start = value.find(bare)
        if not bare.startswith(_FLOW) and "\n" not in bare:
            line, column = words.at(start) if words.text == value else words.place
            self.nodes[path] = Node(line, column, *words.place, bare)
            return resolve(bare)
        try:
            data, nodes = reader.parse_value(value, self.text.file)
        except DefinitionErrors as errors:
            if not bare.startswith(_FLOW):
                return value  # a text of several lines
            self.errors += [self._outer(error, value, words) for error in errors.errors]
            return None
        if not isinstance(data, dict | list) and not bare.startswith(_FLOW):
            return value
        for below, node in nodes.items():
            line, column = self._moved(node.line, node.column, value, words)
            key_line, key_column = self._moved(node.key_line, node.key_column, value, words)
            self.nodes[(*path, *below)] = replace(
                node, line=line, column=column, key_line=key_line, key_column=key_column
            )
        return data

    def _outer(self, error: DefinitionError, value: str, words: Words) -> DefinitionError:
        place = self._moved(error.line or 1, error.column or 1, value, words)
        return self.text.error(*place, error.reason, error.hint, error.code)

    def _moved(self, line: int, column: int, value: str, words: Words) -> Place:
        """Convert a place within the value to a place in the file."""
        if words.text != value:
            return words.place
        lines = value.split("\n")
        offset = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
        return words.at(min(offset, max(0, len(value) - 1)))

    def _words(self, node: str, name: str) -> Words:
        default = Words(self.where.nodes.get(node, self.where.graph))
        return self.where.data.get((node, name), default)

    def _at(self, path: Path, place: Place) -> None:
        self.nodes[path] = Node(*place, *place)

    def _error(self, place: Place, reason: str, hint: str) -> None:
        self.errors.append(self.text.error(*place, reason, hint, "graphml"))


def _is_branch(name: str, given: Mapping[str, Any], steps: set[str]) -> bool:
    """Whether a node only represents a branch of a step."""
    if BRANCH_OF in given:
        return True
    says = {key for key, value in given.items() if value not in (None, "")} - _LOOKS
    return not says and bool(branched(name, steps))
