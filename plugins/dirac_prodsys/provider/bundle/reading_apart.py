"""Reads files in a separate process, so that the others do not pay for the cost of one.

The DAG processor reads the folder in its own process. The core bounds all that reading does there,
file by file; this module guards against mistakes in those bounds. A file that takes too much time
or memory, or ends the process, is reported as such, and the next process reads the rest.

Invariant: whatever a file does to its reader, this call ends, with an answer for each file.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import select
import signal
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

#: seconds of CPU time that one file may take, and of wall time, on a busy machine
CPU_SECONDS, WALL_SECONDS = 10.0, 60.0
#: bytes of memory that reading may take beyond what the process has
MEMORY = 1024 * 1024 * 1024

_HEAD = struct.Struct("!Q")

T = TypeVar("T")


class ReaderEnded(Exception):
    """Reading a file ended its process, or had to be ended.

    :param why: the reason, in words.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_apart(
    names: Sequence[str], read: Callable[[str], T]
) -> Iterator[tuple[str, T | ReaderEnded]]:
    """Yield the result of ``read`` for each name; the results must be picklable.

    :raises OSError: no process could be made.
    """
    left = list(names)
    while left:
        why = ""
        with _reader(left, read) as answers:
            try:
                for answer in _answers(answers, len(left)):
                    yield left.pop(0), answer
            except ReaderEnded as ended:
                why = ended.why
        if left:
            yield left.pop(0), ReaderEnded(why or "its reader came to an end")


@contextlib.contextmanager
def _reader(names: Sequence[str], read: Callable[[str], Any]) -> Iterator[int]:
    """Start a process that reads; yield the pipe with its answers, and end it afterwards."""
    answers, writable = os.pipe()
    process = os.fork()
    if not process:
        _read_all(names, read, writable)
    os.close(writable)
    try:
        yield answers
    finally:
        os.close(answers)
        # other code in this process may wait for every child that ends
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _read_all(names: Sequence[str], read: Callable[[str], Any], writable: int) -> NoReturn:
    """Read in the child process and end it without running any exit code of its parent."""
    try:
        for number in (signal.SIGPROF, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _limit_memory()
        for name in names:
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            data = pickle.dumps(read(name))
            signal.setitimer(signal.ITIMER_PROF, 0)
            view = memoryview(_HEAD.pack(len(data)) + data)
            while view:
                view = view[os.write(writable, view) :]
    finally:
        os._exit(0)


def _limit_memory() -> None:
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/statm", "rb") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = now + MEMORY
        if hard == resource.RLIM_INFINITY or wanted < hard:
            resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _answers(pipe: int, count: int) -> Iterator[Any]:
    """Yield this many answers, as they come.

    :raises ReaderEnded: one did not come.
    """
    for _ in range(count):
        until = time.monotonic() + WALL_SECONDS
        size = _HEAD.unpack(_take(pipe, _HEAD.size, until))[0]
        # our own process wrote it
        yield pickle.loads(_take(pipe, size, until))  # noqa: S301


def _take(pipe: int, size: int, until: float) -> bytes:
    found = bytearray()
    while len(found) < size:
        ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise ReaderEnded(f"reading it took more than {WALL_SECONDS:.0f} s")
        data = os.read(pipe, min(size - len(found), 1 << 20))
        if not data:
            raise ReaderEnded(
                f"reading it took more than {CPU_SECONDS:.0f} s of CPU time, or ended the process"
            )
        found += data
    return bytes(found)
