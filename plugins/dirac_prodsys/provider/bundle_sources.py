"""The users' drop-in folder, read carefully: which files are productions, and what is wrong with
the rest.

Invariant: whatever lies in the folder (a directory, a device, a dangling link, ten megabytes,
bytes that are no text, a half-written file), the answer is a :class:`Source` with a worded error,
never an exception and never a wait. Only an unreadable folder raises: then nothing is known, and
nothing may change. A file is read again only when its status has changed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dirac_prodsys.core import naming
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production import Production
from dirac_prodsys.core.yaml_source import MAX_BYTES
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.provider.bundle_site import SITE, demand_allowed, site_signature

ENDINGS = (".yaml", ".yml")
#: of files that productions may read beside themselves
BESIDE_ENDINGS = (*ENDINGS, ".txt")

#: a file written to so recently may be half-written: it is given this time to settle, seconds
SETTLE = 0.2

Signature = tuple[int, ...]
#: by name; None: there was no such file
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


class SourceFolder:
    """The drop-in folder.

    :param folder: holds ``*.yaml`` and ``*.yml``; hidden and editors' temporary files are passed
        over, and what begins with ``_`` is there for others to extend.
    :param bundle: name of the Dag bundle, by which the site's file knows the folder.
    """

    def __init__(self, folder: Path, bundle: str = "") -> None:
        self.folder = folder
        self.bundle = bundle
        self._known: dict[str, tuple[Signatures, Source]] = {}
        #: of what the source at hand was made of
        self._made_of: Signatures = {}

    def signatures(self) -> dict[str, Signature]:
        """What tells whether anything has changed, by file name; costs one ``stat`` per file.

        :raises OSError: the folder cannot be read.
        """
        found: dict[str, Signature] = {}
        for name in sorted(os.listdir(self.folder)):
            if _counts(name):
                state = _stat(self.folder / name)
                if state is not None:
                    found[name] = _signature(state)
        # what the site allows decides as well what is served
        return found | site_signature()

    def scan(self) -> list[Source]:
        """All sources, in the order of their names.

        :raises OSError: the folder cannot be read.
        """
        seen: dict[str, tuple[Signatures, Source]] = {}
        signatures = self.signatures()
        for name in filter(_is_source, signatures):
            known = self._known.get(name)
            if known is None or known[0] != {n: signatures.get(n) for n in known[0]}:
                self._await_writer(name)
                state = _stat(self.folder / name)
                if state is None:
                    continue
                self._made_of = {name: _signature(state), SITE: signatures.get(SITE)}
                known = self._made_of, self._read(name, state)
            seen[name] = known
        self._known = seen
        return [source for _, source in seen.values()]

    def _await_writer(self, name: str) -> None:
        """An editor that does not replace its file in one go needs a moment."""
        for _ in range(5):
            state = _stat(self.folder / name)
            age = time.time() - state.st_mtime if state else SETTLE
            if not 0 <= age < SETTLE:
                return
            time.sleep(SETTLE - age)

    def _read(self, name: str, state: os.stat_result) -> Source:
        file = _readable(name)
        if stat.S_ISLNK(state.st_mode):
            return Source(file, error=f"{file}: the link leads nowhere")
        if not stat.S_ISREG(state.st_mode):
            return Source(file, error=f"{file}: is no regular file")
        if state.st_size > MAX_BYTES:
            told = f"has {state.st_size:,} bytes, more than the {MAX_BYTES:,} that are read"
            return Source(file, error=f"{file}: {told}")
        try:
            data = (self.folder / name).read_bytes()[: MAX_BYTES + 1]
        except OSError as error:
            return Source(file, error=f"{file}: cannot be read: {error.strerror or error}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
            return Source(file, error=f"{file}:{line}:{column}: is not UTF-8 text")
        return _interpret(
            file,
            text,
            self._beside,
            partial(demand_allowed, folder=self.folder, bundle=self.bundle),
        )

    def _beside(self, name: str) -> str | None:
        """The text of another file of the folder; None if there is none."""
        path = self.folder / name
        state = _stat(path)
        self._made_of[name] = None if state is None else _signature(state)
        if state is None or not stat.S_ISREG(state.st_mode) or state.st_size > MAX_BYTES:
            return None
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None


def _interpret(
    file: str,
    text: str,
    beside: Callable[[str], str | None],
    demand: Callable[[Production], None] = lambda _production: None,
) -> Source:
    try:
        production = load_production(text, file, beside=beside)
        name = naming.dag_id(production.name)
        demand(production)
    except ProdsysError as error:
        return Source(file, error=str(error))
    except Exception as error:
        # a mistake of ours must cost this file alone, and must say whose it is
        return Source(file, error=f"{file}: internal error: {type(error).__name__}: {error}")
    return Source(file, production=name, text=production.source)


def _counts(name: str) -> bool:
    return name.lower().endswith(BESIDE_ENDINGS) and not name.startswith((".", "#", "~"))


def _is_source(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.startswith("_")


def _stat(path: Path) -> os.stat_result | None:
    """What is at the end of a link; the link itself if it dangles or turns in a circle."""
    for follow in (True, False):
        try:
            return os.stat(path, follow_symlinks=follow)
        except OSError:
            continue
    return None


def _signature(state: os.stat_result) -> Signature:
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_mode)


def _readable(name: str) -> str:
    """The name as it can be shown and written: no undecodable bytes, no control characters."""
    shown = os.fsencode(name).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
