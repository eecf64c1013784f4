"""While a file is read nothing may happen: no file is opened, nothing runs, no one is called.

Python tells each such thing to audit hooks before it does it (PEP 578), whoever asks for it; a hook
cannot be taken away again, so a flag says when to look.

Invariant: what is refused cannot be caught by accident: it is no ``Exception``, and is raised again
at the end where other software made an error of its own of it, as pydantic does.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

#: families of events, and single ones, of the table of audit events in Python's manual
REFUSED = frozenset(
    (
        *("open", "exec", "compile", "import", "os", "subprocess", "socket", "shutil", "ctypes"),
        *("pty", "urllib", "tempfile", "glob", "pathlib", "marshal", "pickle", "mmap", "fcntl"),
        *("code", "builtins.input", "builtins.breakpoint"),
    )
)


class Forbidden(BaseException):
    """Reading a file did something."""


class TooSlow(BaseException):
    """Reading a file took more CPU time than allowed."""


class _Watch:
    on = False
    installed = False
    #: what was raised, until the end
    refused: BaseException | None = None


def _hook(event: str, _: object) -> None:
    if _Watch.on and (event in REFUSED or event.partition(".")[0] in REFUSED):
        _refuse(Forbidden(event))


def _refuse(what: BaseException) -> NoReturn:
    _Watch.on = False  # the trace that tells it is read from files
    _Watch.refused = what
    raise what


@contextmanager
def nothing_happens(seconds: float) -> Iterator[None]:
    """Refuse everything above, and more than so many seconds of this process's CPU time."""
    if not _Watch.installed:
        sys.addaudithook(_hook)
        _Watch.installed = True

    def stop(*_: object) -> None:
        _refuse(TooSlow(f"more than {seconds} s of CPU time"))

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    _Watch.on, _Watch.refused = True, None
    try:
        yield
    finally:
        _Watch.on = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        if _Watch.refused is not None:
            raise _Watch.refused
