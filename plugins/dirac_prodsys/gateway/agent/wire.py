"""Sends JSON values over a Unix socket, a line each, and knows who is at the other end.

Invariant: whatever happens to the other end is an ``OSError``: a lost connection, a silence that is
too long, and a line that is no JSON. An empty line is a sign of life.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
from pathlib import Path
from typing import Any

#: of ``struct ucred``: pid, uid, gid
_PEER = struct.Struct("3i")


class Line:
    """One end of a connection.

    :param end: a connected socket; closed with the line.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._reader = end.makefile("rb")

    def send(self, value: Any, seconds: float | None = None) -> None:
        """Send a value.

        :param seconds: longest wait for the other end to take it.
        """
        self._socket.settimeout(seconds)
        self._socket.sendall(json.dumps(value).encode() + b"\n")

    def receive(self, seconds: float | None = None) -> Any:
        """Return the next value.

        :param seconds: longest silence.
        """
        self._socket.settimeout(seconds)
        while True:
            text = self._reader.readline()
            if not text.endswith(b"\n"):
                raise ConnectionResetError("the other end is gone")
            if text.strip():
                try:
                    return json.loads(text)
                except ValueError as error:
                    raise ConnectionAbortedError(f"the other end sent no JSON: {error}") from None

    def live(self) -> None:
        """Send a sign of life."""
        self._socket.sendall(b"\n")

    @property
    def gone(self) -> bool:
        """Whether the other end has closed the connection, and has sent nothing more."""
        try:
            if not _readable(self._socket):
                return False
            return self._socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        """Close it."""
        self._reader.close()
        self._socket.close()


def of_this_user(end: socket.socket) -> bool:
    """Whether the process at the other end belongs to the user of this one."""
    facts = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    uid = _PEER.unpack(facts)[1]
    return bool(uid == os.getuid())


@contextlib.contextmanager
def short_path(path: Path) -> Any:
    """Yield another path of the same socket, short enough for an address, in the block."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _readable(end: socket.socket) -> bool:
    """Whether there is something to read now, the end included."""
    poll = select.poll()  # unlike select, for any number of open files
    poll.register(end, select.POLLIN)
    return bool(poll.poll(0))
