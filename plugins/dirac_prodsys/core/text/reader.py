"""Reads YAML text as data and places; nothing else here reads YAML.

PyYAML's scanner and parser give events; their meaning is decided here, so that there is no
constructor that could run code. Refused with their place: tags, anchors and aliases, duplicate
keys, keys that are not plain words, a second document, characters that do not print, and anything
that exceeds :data:`MAX_BYTES`, :data:`MAX_DEPTH` or :data:`MAX_NODES`.

Invariant: reading costs time and memory in proportion to the text, and a text that is too big is
refused unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from dirac_prodsys.core.problems import Path
from dirac_prodsys.core.text.document import Document, Node, Text
from dirac_prodsys.core.text.scalar import resolve
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: 1 MiB
MAX_BYTES = 1024 * 1024
#: maximum depth of nested mappings and lists
MAX_DEPTH = 50
#: maximum number of values in one file
MAX_NODES = 50_000
#: number of mistakes after which reading ends; fewer of them are reported
MAX_ERRORS = 1_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: characters that YAML forbids, and its line breaks of other alphabets, at which editors do not
#: break lines
_UNPRINTABLE = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def parse(source: str | bytes, file: str) -> Document:
    """Read one YAML file.

    :param source: the text, or its bytes in UTF-8.
    :param file: its name, for messages.
    :raises DefinitionErrors: everything that is wrong with it as YAML; the top level must be a
        mapping.
    """
    return _Composer(text_of(source, file)).document()


def parse_value(source: str, file: str) -> tuple[Any, dict[Path, Node]]:
    """Read a text that is part of another file: any one value, and the places of its parts.

    A text without a value is None, at its beginning.

    :raises DefinitionErrors: everything that is wrong with it as YAML.
    """
    composer = _Composer(Text(source, file))
    return composer.value(), composer.nodes


def text_of(source: str | bytes, file: str) -> Text:
    """Return the text of a production file, in any form.

    :raises DefinitionErrors: it is too big, or has characters that no such file may have.
    """
    text = Text(_decode(source, file), file)
    bad = _UNPRINTABLE.search(text.text)
    if bad:
        reason = f"character U+{ord(bad[0]):04X} is not allowed in a production file"
        hint = "remove it; it does not print, and may have come in by copying"
        place = _count_lines(text.text[: bad.start()])
        raise DefinitionErrors([text.error(*place, reason, hint)])
    return text


def _decode(source: str | bytes, file: str) -> str:
    if len(source) > MAX_BYTES:
        size = f"{len(source):,} {'bytes' if isinstance(source, bytes) else 'characters'}"
        error = DefinitionError(
            f"the file has {size}, and {MAX_BYTES:,} are the most that is read",
            "a production is a page of text: perhaps this is another file",
            file=file,
            line=1,
            column=1,
            code="yaml",
        )
        raise DefinitionErrors([error])
    try:
        text = source if isinstance(source, str) else source.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        start = undecodable.start
        line, column = _count_lines(_unmarked(undecodable.object[:start].decode("utf-8")))
        error = DefinitionError(
            f"byte 0x{undecodable.object[start]:02X} is not UTF-8",
            "save the file as UTF-8",
            file=file,
            line=line,
            column=column,
            code="yaml",
        )
        raise DefinitionErrors([error]) from None
    return _unmarked(text)


def _unmarked(text: str) -> str:
    """Return the text without a byte order mark, with lines ended by a newline on all systems."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _count_lines(before: str) -> tuple[int, int]:
    """Return line and column, from 1, of what comes after ``before``."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


class _Composer:
    """Builds the data from the parser's events, one after the other."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.errors: list[DefinitionError] = []
        self.nodes: dict[Path, Node] = {}
        #: reported already; each is reported once, however often it is used
        self.anchors: set[str] = set()
        self.events: Iterator[Event] = yaml.parse(text.text, Loader=_LOADER)

    def document(self) -> Document:
        data = self.value(mapping=True)
        return Document(self.text, data, self.nodes)

    def value(self, *, mapping: bool = False) -> Any:
        """Return the one value of the text; ``mapping``: it must be a mapping."""
        data: Any = None
        try:
            data = self._stream(mapping=mapping)
        except yaml.YAMLError as error:
            self._syntax(error)
        except _TooMuch:
            pass  # the mistakes found so far are reported
        if self.errors:
            raise DefinitionErrors(self.errors)
        return data

    def _stream(self, *, mapping: bool) -> Any:
        data: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document begins here", "one file, one production")
                    raise _TooMuch
            elif isinstance(event, DocumentEndEvent | StreamEndEvent):
                continue
            elif documents:
                data = self._value(event, (), None)
        # a text of nothing but comments has no event of a value
        self.nodes.setdefault((), Node(1, 1, 1, 1, None))
        if not mapping:
            return data
        if data is None and not self.errors:
            self.errors.append(
                self.text.error(
                    1, 1, "the file is empty", "write 'version: 1', then production and steps"
                )
            )
        elif not isinstance(data, dict) and not self.errors:
            self.errors.append(
                self.text.error(
                    self.nodes[()].line,
                    self.nodes[()].column,
                    "the file is not a mapping",
                    "write 'key: value' at the top: version, production, steps",
                )
            )
        return data if isinstance(data, dict) else {}

    def _value(self, event: Event, path: Path, key: Event | None) -> Any:
        if len(self.nodes) >= MAX_NODES:
            self._refuse(event, f"the file has more than {MAX_NODES:,} values", "split it up")
            raise _TooMuch
        if len(path) >= MAX_DEPTH and not isinstance(event, ScalarEvent):
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels", "make it flatter")
            raise _TooMuch
        self._check(event)
        plain = event.value if isinstance(event, ScalarEvent) and not event.style else None
        self.nodes[path] = Node(*_place(event), *_place(key or event), plain)
        if isinstance(event, ScalarEvent):
            return event.value if plain is None else resolve(plain)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return None

    def _mapping(self, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self._key(event, path)
            value_event = next(self.events)
            if key in data:
                first = self.nodes[(*path, key)]
                self._refuse(
                    event,
                    f"key {key!r} is written twice: already at "
                    f"{self.text.file}:{first.key_line}:{first.key_column}",
                    "keep one of the two",
                )
            data[key] = self._value(value_event, (*path, key), event)
        return data

    def _sequence(self, path: Path) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            data.append(self._value(event, (*path, len(data)), None))
        return data

    def _key(self, event: Event, path: Path) -> str:
        if isinstance(event, ScalarEvent) and event.value:
            self._check(event)
            return str(event.value)
        self._refuse(event, "a key must be a word", "write 'word: value'")
        if not isinstance(event, ScalarEvent):
            self._value(event, (*path, ""), None)
        return ""

    def _check(self, event: Event) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None and anchor not in self.anchors:
            self.anchors.add(anchor)
            mark = "*" if isinstance(event, AliasEvent) else "&"
            reason = f"anchors (&) and aliases (*) are not allowed: {mark}{anchor}"
            self._refuse(event, reason, "write the values out where they are needed")
        if tag is not None:
            self._refuse(
                event, f"tags are not allowed: {tag}", "write the value alone, or quote it"
            )

    def _refuse(self, event: Event, reason: str, hint: str) -> None:
        self.errors.append(self.text.error(*_place(event), reason, hint))
        if len(self.errors) >= MAX_ERRORS:
            raise _TooMuch

    def _syntax(self, error: yaml.YAMLError) -> None:
        line, column = 1, 1
        for name in ("context_mark", "problem_mark"):
            mark: Any = getattr(error, name, None)
            if mark is not None:
                line, column = mark.line + 1, mark.column + 1
        parts = (getattr(error, "context", None), getattr(error, "problem", None))
        reason = " ".join(part for part in parts if part) or "it cannot be read"
        hint = "check indentation, colons, quotes and brackets here and on the line before"
        if "\t" in self.text.line(line)[:column]:
            hint = "indent with spaces: YAML takes no tabs"
        elif "${{" in self.text.line(line):
            hint = 'inside { } and [ ], quote text with a placeholder: "${{ run }}"'
        self.errors.append(self.text.error(line, column, f"not YAML: {reason}", hint))


class _TooMuch(Exception):
    """Stop reading: what was found so far is enough."""


def _place(event: Event) -> tuple[int, int]:
    mark: Any = event.start_mark
    return mark.line + 1, mark.column + 1
