"""Brings a CWL document and all that it names into one tree: ``run``, ``$import``, ``$include``.

A reference names a file of the production's folder, or of a folder below it. Addresses, absolute
paths and ways out of the folder are refused, and so are files that lead back to themselves, before
any other software sees them.

Invariant: every value of the tree keeps its place in the file where a person wrote it; and as many
files are read as :data:`MOST_FILES`, as deep as :data:`MOST_DEPTH`, however they name each other.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import NoReturn

from dirac_prodsys.communities.cwl.document.versions import VERSIONS, in_version, too_new
from dirac_prodsys.core.language.located import Located, Mistakes, locate
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.document import Document, Text
from dirac_prodsys.errors import DefinitionErrors

#: code of what is wrong with a document as CWL
WRONG = "cwl-document"
#: files that one production may be made of, files inside each other, characters of all of them
MOST_FILES, MOST_DEPTH, MOST_CHARACTERS = 200, 20, 4 * 1024 * 1024
#: written once, for all of a document; ``$schemas`` name files that only describe it
_AT_THE_TOP = frozenset({"cwlVersion", "$namespaces", "$schemas", "$graph", "$base"})
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SHOWN = 100


class Unreadable(Exception):
    """A reference leads nowhere; the mistake is noted."""


@dataclass
class References:
    """Reads the files that a document names.

    :param document: the first file, which can read those beside it.
    :param folder: of the first file, within the production's folder; empty: it is the same.
    :param read: names of the files that were read.
    :param versions: of all processes; the whole has the newest, as the software that runs it reads
        one text of one version.
    :param namespaces: of all processes; the whole has them at its top.
    """

    document: Document
    mistakes: Mistakes
    folder: str = ""
    read: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    namespaces: dict[str, Located] = field(default_factory=dict)
    _trees: dict[str, Located] = field(default_factory=dict)
    _characters: int = 0

    def whole(self, tree: Located, name: str = "") -> Located:
        """Return the process of the tree with everything in it that it names.

        :param name: of its file; empty: that of the production.
        :raises Unreadable: it cannot be made whole.
        """
        own = name or self._own
        return self._one_version(self._process(tree, tree, own, (own,), ""))

    def process_of(self, named: Located) -> Located:
        """Return the process in the file of that name, whole.

        :raises Unreadable: there is none, or it cannot be made whole.
        """
        return self._one_version(self._named(named, self._own, (), ""))

    def tree_of(self, named: Located) -> Located:
        """Return what the file of that name holds.

        :raises Unreadable: there is none, or it is not YAML.
        """
        return self._file(named, self._path(named, str(named.value), self._own))

    def _one_version(self, whole: Located) -> Located:
        newest = max(self.versions, key=VERSIONS.index)
        made = in_version(whole, newest, newest)
        top = {"cwlVersion": whole.scalar(newest)}
        if self.namespaces:
            top["$namespaces"] = whole.scalar(dict(sorted(self.namespaces.items())))
        return made.put(top)

    @property
    def _own(self) -> str:
        return posixpath.join(self.folder, self.document.file.rpartition("/")[2])

    @property
    def _above(self) -> str:
        """Return what names of files begin with in messages: where the production's folder is."""
        return self.document.file.removesuffix(self._own)

    def _process(
        self, tree: Located, file: Located, name: str, chain: tuple[str, ...], version: str
    ) -> Located:
        """Return the process with what it names.

        :param file: the tree of its file, in which ``#name`` is looked for.
        :param chain: the processes around it.
        """
        tree = self._only(tree, file)
        if len(chain) > MOST_DEPTH:
            way = f"more than {MOST_DEPTH} processes inside each other"
            self._wrong(tree, way, "make it flatter")
        own = self._version(tree, file, version)
        for place, words, since in too_new(tree, own):
            hint = f"write cwlVersion: {since}, or leave it out"
            self._wrong(place, f"{words} came with {since}, and this is {own}", hint)
        made: dict[str, Located] = {"cwlVersion": tree.scalar(own)}
        for at in (tree, file):
            found = at.get("$namespaces")
            self.namespaces |= dict(found.items()) if found is not None else {}
        for key, entry in tree.items():
            if key == "steps":
                made[key] = self._steps(entry, file, name, chain, own)
            elif key not in _AT_THE_TOP:
                made[key] = self._imports(entry, name, chain)
        return replace(tree, value=made)

    def _only(self, tree: Located, file: Located) -> Located:
        """Return the one process of a file: the file, or ``#main`` of its ``$graph``."""
        graph = tree.get("$graph")
        if graph is None:
            if not isinstance(tree.value, dict):
                self._wrong(tree, "a process is a mapping", "write class: CommandLineTool, inputs…")
            return tree
        return self._of_graph(graph, "main", graph)

    def _of_graph(self, graph: Located, identifier: str, named: Located) -> Located:
        entries = graph.value if isinstance(graph.value, tuple) else ()
        found = [e for e in entries if (e.text("id") or "").lstrip("#") == identifier]
        if len(found) != 1:
            self._not_one(found, entries, identifier, named)
        return Located({k: v for k, v in found[0].items() if k != "id"}, found[0].node)

    def _not_one(
        self,
        found: list[Located],
        entries: tuple[Located, ...],
        identifier: str,
        named: Located,
    ) -> NoReturn:
        known = ", ".join(sorted((e.text("id") or "?") for e in entries)) or "nothing"
        reason = f"$graph has {'no' if not found else 'more than one'} process #{identifier}"
        self._wrong(named, reason, f"it has {known[:_SHOWN]}; call the first one #main")

    def _version(self, tree: Located, file: Located, outer: str) -> str:
        named = tree.get("cwlVersion") or file.get("cwlVersion")
        if named is None:
            if outer:
                return outer  # its own was added
            self._wrong(tree, "there is no cwlVersion", f"write cwlVersion: {VERSIONS[-1]}")
        own = named.value
        if own not in VERSIONS:
            reason = f"cwlVersion {str(own)[:_SHOWN]!r} is not read here"
            self._wrong(named, reason, f"use one of {', '.join(VERSIONS)}")
        self.versions.add(own)
        return str(own)

    def _steps(
        self, steps: Located, file: Located, name: str, chain: tuple[str, ...], version: str
    ) -> Located:
        steps = self._imports(steps, name, chain)
        if isinstance(steps.value, dict):
            return replace(
                steps,
                value={k: self._step(s, file, name, chain, version) for k, s in steps.items()},
            )
        if isinstance(steps.value, tuple):
            made = tuple(self._step(s, file, name, chain, version) for s in steps.value)
            return replace(steps, value=made)
        return steps

    def _step(
        self, step: Located, file: Located, name: str, chain: tuple[str, ...], version: str
    ) -> Located:
        run = step.get("run")
        if run is None:
            return step
        if isinstance(run.value, str):
            inside = self._named(run, name, chain, version, file)
        else:
            inside = self._process(run, file, name, (*chain, f"{name}#"), version)
        return step.put({"run": inside})

    def _named(
        self,
        named: Located,
        name: str,
        chain: tuple[str, ...],
        version: str,
        file: Located | None = None,
    ) -> Located:
        """Return the process that a reference in the file ``name`` names."""
        path, _, identifier = str(named.value).partition("#")
        if not path and file is not None:
            graph = file.get("$graph")
            if graph is None:
                self._wrong(named, f"{named.value} names a process of a $graph", "there is none")
            target, tree, inside = name, file, self._of_graph(graph, identifier, named)
        else:
            target = self._path(named, path, name)
            tree = inside = self._file(named, target)
            graph = tree.get("$graph")
            if identifier and graph is not None:
                inside = self._of_graph(graph, identifier, named)
        link = f"{target}#{identifier}" if identifier and identifier != "main" else target
        if link in chain:
            way = " → ".join((*chain[chain.index(link) :], link))
            self._wrong(named, f"these processes run each other: {way}", "let one of them end it")
        return self._process(inside, tree, target, (*chain, link), version)

    def _imports(self, tree: Located, name: str, chain: tuple[str, ...]) -> Located:
        """Return the tree with ``$import`` and ``$include`` replaced by what they name."""
        if isinstance(tree.value, tuple):
            return replace(tree, value=tuple(self._imports(e, name, chain) for e in tree.value))
        if not isinstance(tree.value, dict):
            return tree
        for key in ("$import", "$include"):
            named = tree.get(key)
            if named is None:
                continue
            if not isinstance(named.value, str):
                self._wrong(named, f"{key} names a file", f"write {key}: name.yml")
            target = self._path(named, str(named.value), name)
            if key == "$include":
                return named.scalar(self._text(named, target))
            if target in chain:
                way = " → ".join((*chain, target))
                self._wrong(named, f"these files import each other: {way}", "let one end it")
            if len(chain) > MOST_DEPTH:
                self._wrong(named, f"more than {MOST_DEPTH} files import each other", "use fewer")
            return self._imports(self._file(named, target), target, (*chain, target))
        if "$mixin" in tree.value:
            self._wrong(tree.value["$mixin"], "$mixin is not read here", "use $import")
        return replace(tree, value={k: self._imports(v, name, chain) for k, v in tree.items()})

    def _path(self, named: Located, path: str, name: str) -> str:
        """Return the path within the production's folder."""
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        parts = whole.split("/")
        if ":" in path or path.startswith("/") or not all(map(_NAME.fullmatch, parts)):
            self._wrong(
                named,
                f"{path[:_SHOWN]!r} is no file in the folder of this production",
                "copy it there and write its name, with letters, digits and _ . + - and no address",
            )
        return whole

    def _text(self, named: Located, target: str) -> str:
        """Return the text of a file; what is read is bounded."""
        if target not in self.read:
            self.read.append(target)
        sibling = self.document.read_sibling
        text = sibling(posixpath.relpath(target, self.folder or ".")) if sibling else None
        if text is None:
            reason = f"there is no readable file {target!r} in the folder of this production"
            self._wrong(named, reason, "check its name")
        self._characters += len(text)
        if self._characters > MOST_CHARACTERS or len(self.read) > MOST_FILES:
            reason = (
                f"it is made of more than {MOST_FILES} files, or {MOST_CHARACTERS:,} characters"
            )
            self._wrong(named, reason, "make it smaller")
        return text

    def _file(self, named: Located, target: str) -> Located:
        known = self._trees.get(target)
        if known is not None:
            self._characters += len(known.node.source.text) if known.node.source else 0
            if self._characters > MOST_CHARACTERS:
                reason = f"written out it has more than {MOST_CHARACTERS:,} characters"
                self._wrong(named, reason, "make it smaller")
            return known
        text = Text(self._text(named, target), f"{self._above}{target}")
        try:
            data, nodes = reader.parse_value(reader.text_of(text.text, text.file).text, text.file)
        except DefinitionErrors as errors:
            self.mistakes.found.extend(errors.errors)
            raise Unreadable from None
        tree = self._trees[target] = locate(Document(text, data, nodes), foreign=True)
        return tree

    def _wrong(self, where: Located, reason: str, hint: str) -> NoReturn:
        self.mistakes.add(where, reason, hint, code=WRONG)
        raise Unreadable
