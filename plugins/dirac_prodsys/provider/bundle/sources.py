"""Reads the users' drop-in folder safely: which files are productions, and what is wrong elsewhere.

``core/text/folder_files`` says which files count.

A file is read once it has come to rest: if it was written less than :data:`SETTLE` s ago, it is
looked at twice. Until then its previous state goes on. Clocks of file systems may count whole
seconds, so that a second change looks like the first: a file that was read within :data:`COARSE` s
of its last change is read once more.

Invariant: whatever lies in the folder (a directory, a device, a link that dangles or leads out, ten
megabytes, bytes that are no text, a half-written file, a file that breaks its reader), the answer
is a :class:`Source` with an error in words, never an exception, and nothing from outside the
folder. Only an unreadable folder raises: then nothing is known, and nothing may change. A file is
read again only when its status has changed.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dirac_prodsys.core import naming
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.problems import short
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.text.folder_files import (
    LEADS_OUT,
    NO_TEXT,
    counts,
    is_production,
    is_text,
    readable,
)
from dirac_prodsys.core.text.reader import MAX_BYTES
from dirac_prodsys.errors import MOST_BYTES, ProdsysError
from dirac_prodsys.provider.bundle.allowed import SITE, demand_allowed, site_signature
from dirac_prodsys.provider.bundle.reading_apart import ReaderEnded, read_apart

#: seconds without a change after which a file is read
SETTLE = 1.0
#: seconds by which the clock of a file system may be coarse
COARSE = 2.0

Signature = tuple[int, ...]
#: signatures by file name; None: there was no such file
Signatures = dict[str, Signature | None]


@dataclass(frozen=True)
class Source:
    """One file of the folder.

    :param file: its name, for people.
    :param production: the production it defines; empty when it cannot be used.
    :param text: its text when it is a production, complete in itself.
    :param error: ``file:line:col: reason`` and more lines, when it is not.
    """

    file: str
    production: str = ""
    text: str = ""
    error: str = ""


@dataclass(frozen=True)
class _Known:
    """A file that was read.

    :param made_of: signatures of all files that were read for it, as they were then.
    :param again: when to read it once more, although it seems the same, seconds since the epoch;
        0: never.
    """

    made_of: Signatures
    source: Source
    again: float = 0.0


class SourceFolder:
    """Reads the drop-in folder.

    :param folder: holds the productions; ``core/text/folder_files`` says which files count.
    :param bundle: name of the Dag bundle, by which the site's file knows the folder.
    """

    def __init__(self, folder: Path, bundle: str = "") -> None:
        self.folder = folder
        self.bundle = bundle
        #: names of files that have not come to rest; their previous state is served
        self.unsettled: frozenset[str] = frozenset()
        #: modules that reading the files has newly loaded, in order
        self.loaded: list[str] = []
        self._known: dict[str, _Known] = {}
        self._looks: dict[str, tuple[Signature, float]] = {}

    def signatures(self) -> dict[str, Signature]:
        """Return a signature of each file, by name, that shows any change; one ``stat`` per file.

        :raises OSError: the folder cannot be read.
        """
        found: dict[str, Signature] = {}
        for name in sorted(os.listdir(self.folder)):
            if counts(name):
                state = _stat(self.folder / name)
                if state is not None:
                    found[name] = _signature(state)
        # parts of productions in folders below: those that were read
        for name in {part for known in self._known.values() for part in known.made_of}:
            if "/" in name and (state := _stat(self.folder / name)) is not None:
                found[name] = _signature(state)
        # the site's file decides as well what is served
        return found | site_signature()

    def identity(self) -> str:
        """Return the identity of the directory; it changes with a mount there.

        :raises OSError: there is none.
        """
        state = os.stat(self.folder)
        return f"{state.st_dev}:{state.st_ino}"

    def due(self) -> bool:
        """Check whether a file must be looked at again though nothing seems to have changed."""
        now = time.time()
        return bool(self.unsettled) or any(0 < k.again <= now for k in self._known.values())

    def scan(self) -> list[Source]:
        """Return all sources, in the order of their names.

        :raises OSError: the folder cannot be read, or no reader can be made.
        """
        signatures = self._at_rest()
        now = time.time()
        seen: dict[str, _Known] = {}
        changed: list[str] = []
        for name in filter(is_production, signatures):
            if "/" in name:
                continue
            known = self._known.get(name)
            parts = () if known is None else known.made_of
            moving = self.unsettled.intersection((name, *parts))
            same = known is not None and known.made_of == {n: signatures.get(n) for n in parts}
            if known is not None and (moving or (same and not 0 < known.again <= now)):
                seen[name] = known
            elif name not in self.unsettled:
                changed.append(name)
        for name, answer in read_apart(changed, self._read_and_load):
            if isinstance(answer, ReaderEnded):
                file = readable(name)
                made_of: Signatures = {name: signatures[name]}
                seen[name] = _Known(made_of, Source(file, error=f"{file}: {answer.why}"))
            else:
                made_of, source, loaded = answer
                self.loaded = list(dict.fromkeys((*self.loaded, *loaded)))
                seen[name] = _Known(made_of, source, _again(made_of, now))
        self._known = dict(sorted(seen.items()))
        return [known.source for known in self._known.values()]

    def _at_rest(self) -> dict[str, Signature]:
        """Return the signatures, after a second look at moving files; keep which still move."""
        signatures = self.signatures()
        moving = self._moving(signatures)
        if moving:
            time.sleep(SETTLE)
            signatures = self.signatures()
            moving = self._moving(signatures)
        self.unsettled = frozenset(moving)
        self._looks = {name: look for name, look in self._looks.items() if name in moving}
        return signatures

    def _moving(self, signatures: dict[str, Signature]) -> set[str]:
        """Return the files written to just now, or in the future by another machine's clock."""
        found: set[str] = set()
        now, clock = time.time(), time.monotonic()
        for name, signature in signatures.items():
            if now - signature[0] / 1e9 >= SETTLE or self._is_known(name, signature):
                continue
            look = self._looks.get(name)
            if look is None or look[0] != signature:
                self._looks[name] = look = (signature, clock)
            if clock - look[1] < SETTLE:
                found.add(name)
        return found

    def _is_known(self, name: str, signature: Signature) -> bool:
        known = self._known.get(name)
        return known is not None and known.made_of.get(name) == signature

    def _read_and_load(self, name: str) -> tuple[Signatures, Source, list[str]]:
        """Return the files read, the source, and the modules that reading it has loaded."""
        before = set(sys.modules)
        return *self._read(name), [module for module in sys.modules if module not in before]

    def _read(self, name: str) -> tuple[Signatures, Source]:
        """Return the signatures of the files read, and the source."""
        made_of: Signatures = {SITE: site_signature().get(SITE)}

        def text_of(name: str) -> bytes | str:
            state, data = _content(self.folder, name)
            made_of[name] = None if state is None else _signature(state)
            return data

        def read_sibling(name: str) -> str | None:
            data = text_of(name)
            try:
                return data.decode("utf-8") if isinstance(data, bytes) else None
            except UnicodeDecodeError:
                return None

        file, data = readable(name), text_of(name)
        if not is_text(name):
            return made_of, Source(file, error=f"{file}: {NO_TEXT}")
        if isinstance(data, str):
            return made_of, Source(file, error=f"{file}: {data}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
            return made_of, Source(file, error=f"{file}:{line}:{column}: is not UTF-8 text")
        demand = partial(demand_allowed, folder=self.folder, bundle=self.bundle)
        return made_of, _interpret(file, text, read_sibling, demand)


def _content(folder: Path, name: str) -> tuple[os.stat_result | None, bytes | str]:
    """Return the status of a file and its bytes, or the reason in words why it cannot be used.

    The file is checked once it is open: between a check and an opening, a name may become a link.
    """
    state = _stat(folder / name)
    if state is None:
        return None, "is not there"
    if stat.S_ISLNK(state.st_mode):
        return state, "the link leads nowhere"
    if not _is_inside(os.path.realpath(folder / name), folder):
        return state, LEADS_OUT
    if not stat.S_ISREG(state.st_mode):
        return state, "is no regular file"
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode) or not _is_inside(_opened(handle), folder):
                return state, LEADS_OUT
            if state.st_size > MAX_BYTES:
                problem = f"has {state.st_size:,} bytes, more than the {MAX_BYTES:,} that are read"
                return state, problem
            return state, file.read(MAX_BYTES + 1)
    except OSError as error:
        return state, f"cannot be read: {error.strerror or error}"


def _opened(handle: int) -> str:
    """Return the place of an open file; empty if unknown: then the earlier check holds."""
    try:
        return os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return ""


def _is_inside(place: str, folder: Path) -> bool:
    root = os.path.realpath(folder)
    return not place or place.startswith(f"{root.rstrip(os.sep)}{os.sep}")


def _again(made_of: Signatures, now: float) -> float:
    """Return when to read a file once more: when the clock has moved on since its last change.

    A file server's clock may be ahead of ours.
    """
    last = max((signature[0] / 1e9 for signature in made_of.values() if signature), default=0.0)
    return last + COARSE if now - last < COARSE else 0.0


def _interpret(
    file: str,
    text: str,
    read_sibling: Callable[[str], str | None],
    demand: Callable[[Production], None] = lambda _production: None,
) -> Source:
    try:
        production = load_production(text, file, read_sibling=read_sibling)
        name = naming.dag_id(production.name)
        demand(production)
    except ProdsysError as error:
        return Source(file, error=short(str(error), MOST_BYTES))
    except Exception as error:
        # a mistake of ours must cost this file alone, and must show that it is ours
        return Source(file, error=f"{file}: internal error: {type(error).__name__}: {error}"[:1000])
    return Source(file, production=name, text=production.source)


def _stat(path: Path) -> os.stat_result | None:
    """Return the status of a link's target, or of the link itself if it dangles or is circular."""
    for follow in (True, False):
        try:
            return os.stat(path, follow_symlinks=follow)
        except OSError:
            continue
    return None


def _signature(state: os.stat_result) -> Signature:
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_mode)
