"""Reads other files of the folder: ``extends``, one production over another, and lists of files.

Invariant: a file is given by its name alone, so that nothing outside of the folder is ever read;
and mistakes in another file are reported with that file's name, line and column.
"""

from __future__ import annotations

import re
from dataclasses import replace

from dirac_prodsys.core.language.located import Located, Mistakes, locate, overlay
from dirac_prodsys.core.models import spelled
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.document import Document, Node, Text

#: maximum number of files that extend each other in one chain
MAX_CHAIN = 10

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


def extended(document: Document, mistakes: Mistakes) -> tuple[Located, tuple[str, ...]]:
    """Lay the tree of a document over that of the file that it extends, over that of the next…

    :return: the tree, without ``extends``; and the names of all files in it.
    """
    return _extended(locate(document), document, (document.file.rpartition("/")[2],), mistakes)


def _extended(
    tree: Located, document: Document, chain: tuple[str, ...], mistakes: Mistakes
) -> tuple[Located, tuple[str, ...]]:
    named = tree.get("extends")
    if named is None:
        return tree, chain
    bare = tree.drop("extends")
    name = named.value
    if isinstance(name, str) and name in chain:
        way = " → ".join((*chain, name))
        mistakes.add(
            named,
            f"these files extend each other: {way}",
            "let one of them end the chain",
            code="other-file",
        )
        return bare, chain
    if len(chain) > MAX_CHAIN:
        mistakes.add(
            named, f"more than {MAX_CHAIN} files extend each other", "use fewer", code="other-file"
        )
        return bare, chain
    below = read_named_yaml(named, document, mistakes)
    if below is None:
        return bare, chain
    base, files = _extended(locate(below, foreign=True), below, (*chain, name), mistakes)
    merged = overlay(base, bare)
    if len(chain) == 1:
        _check_name(base, bare, named, mistakes)
    return merged, files


def read_named_yaml(named: Located, document: Document, mistakes: Mistakes) -> Document | None:
    """Read the named YAML file; None, with a mistake noted, if there is none.

    :raises DefinitionErrors: it is not YAML.
    """
    text = _read(named, (".yaml", ".yml"), document, mistakes)
    if text is None:
        return None
    parsed = reader.parse(text, _shown(str(named.value), document))
    return replace(parsed, read_sibling=document.read_sibling)


def _check_name(base: Located, bare: Located, named: Located, mistakes: Mistakes) -> None:
    """Check the name of the production: two productions of one name would be one DAG."""
    theirs = base.text("production", "name")
    if theirs is not None and bare.get("production", "name") is None:
        mistakes.add(
            named,
            f"this production would be named {theirs!r}, as the one that it extends",
            "give it a name of its own: production: {name: …}",
            code="other-file",
        )


def with_lists(
    tree: Located, document: Document, mistakes: Mistakes
) -> tuple[Located, tuple[str, ...]]:
    """Return the tree with every ``input: {lfns: {file: …}}`` replaced by the content of that file.

    Lists in a block of text become lists too.

    :return: the tree, and the names of the files.
    """
    steps, found, files = tree.get("steps"), {}, list[str]()
    for name, step in steps.items() if steps is not None else ():
        lfns = step.get("input", "lfns")
        if lfns is None:
            continue
        entries = lfns
        if isinstance(lfns.value, str):
            entries = _entries(lfns.value, lfns, None)
        elif isinstance(lfns.value, dict) and lfns.value.keys() == {"file"}:
            files.append(str(lfns.value["file"].value))
            vo = tree.text("production", "vo")
            entries = _from_file(lfns.value["file"], document, f"/{vo}/unknown", mistakes)
        source = step.value["input"].put({"lfns": entries})
        found[name] = step.put({"input": source})
    if steps is None or not found:
        return tree, ()
    return tree.put({"steps": steps.put(found)}), tuple(files)


def _from_file(named: Located, document: Document, unknown: str, mistakes: Mistakes) -> Located:
    """Return the entries of the file.

    :param unknown: an LFN that replaces them if there are none, so that it causes no second
        mistake.
    """
    text = _read(named, (".txt",), document, mistakes)
    content = (text or "").removeprefix("\ufeff").replace("\r\n", "\n")
    source = Text(content, _shown(str(named.value), document))
    entries = _entries(source.text, named, source)
    if text is not None and not entries.value:
        mistakes.add(
            named, f"{named.value} names no file", "write one LFN on each line", code="other-file"
        )
    return entries if entries.value else named.scalar((named.scalar(unknown),))


def _entries(text: str, named: Located, source: Text | None) -> Located:
    """Return one entry for each line, without empty lines and what follows a ``#``."""
    entries = []
    for number, line in enumerate(text.split("\n"), start=1):
        lfn = line.partition("#")[0].strip()
        if not lfn:
            continue
        node = named.node
        if source is not None:
            column = line.index(lfn) + 1
            node = Node(number, column, number, column, source=source)
        entries.append(Located(lfn, replace(node, plain=None)))
    return named.scalar(tuple(entries))


def _read(
    named: Located, endings: tuple[str, ...], document: Document, mistakes: Mistakes
) -> str | None:
    """Return the text of the named file; None, with a mistake noted, if there is none.

    Only the listed endings are allowed: the Dag bundle looks for changes of no other files.
    """
    name = named.value
    if not isinstance(name, str) or not _FILE.fullmatch(name):
        mistakes.add(
            named,
            f"{spelled(name)} is not the name of a file in the folder of this file",
            "write its name alone, with letters, digits and _ . + -",
            code="other-file",
        )
        return None
    if not name.endswith(endings):
        mistakes.add(
            named,
            f"{name!r} does not end in {endings[0]}",
            f"name it so: {name}{endings[0]}",
            code="other-file",
        )
        return None
    text = document.read_sibling(name) if document.read_sibling is not None else None
    if text is None:
        mistakes.add(
            named,
            f"there is no readable file {name!r} in the folder of this file",
            "check its name",
            code="other-file",
        )
        return None
    if len(text) > reader.MAX_BYTES:
        mistakes.add(
            named,
            f"{name} has more than the {reader.MAX_BYTES:,} characters that are read",
            "split it up; many files are better selected by metadata",
            code="other-file",
        )
        return None
    return text


def _shown(name: str, document: Document) -> str:
    """Return a file's name as the user knows it: in the folder of the first one."""
    folder, slash, _ = document.file.rpartition("/")
    return f"{folder}{slash}{name}"
