"""Runs the agent: one process that has imported DIRAC, and a forked worker for each identity.

It is one thread that makes no call: it takes connections in, and hands each to the worker of its
identity.

Invariant: a worker serves one identity for all of its life, and the agent itself none; so nothing
of an identity can reach another. Nobody but this user is served. The agent ends when nobody has
been connected for a while, or when its files are gone or another's, as after a cleaning of the
temporary folder: then nobody else can find it, and the next one is started. All workers end with
it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from typing import IO, Any

from dirac_prodsys.gateway.agent.place import CODE, Place, version
from dirac_prodsys.gateway.agent.starting import locked
from dirac_prodsys.gateway.agent.wire import of_this_user, short_path
from dirac_prodsys.gateway.agent.worker import serve
from dirac_prodsys.gateway.dirac_import import import_dirac

#: imported before the first fork; the rest of DIRAC is imported where it is needed
_DIRAC = (
    "DIRAC.Core.DISET.private.InnerRPCClient",
    "DIRAC.Core.DISET.private.Transports.SSL.M2Utils",
    "DIRAC.Core.Security.X509Chain",
    "DIRAC.Interfaces.API.Job",
)
#: seconds that a new connection has to say who it is, and most bytes of that
_PATIENCE, _MOST = 10.0, 64 * 1024
#: seconds between two looks whether workers live
_LOOK = 1.0
#: who an agent works for: all that decides under which identity a call is made
_IDENTITY = ("config", "proxy", "group", "vo", "ca_dir")


@dataclass
class Worker:
    """A child that serves one identity.

    :param channel: carries the connections to it.
    """

    pid: int
    channel: socket.socket


def started(place: Place, idle: float) -> Server | None:
    """Return an agent that listens and has imported DIRAC; None: there is one already."""
    lock = place.running.open("a+")
    if not locked(lock.fileno()):
        return None
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    place.socket.unlink(missing_ok=True)  # of one that was killed: we have its lock
    with short_path(place.socket) as path:
        listener.bind(path)
    listener.listen(128)
    for module in _DIRAC:
        import_dirac(module)
    import dirac_prodsys.gateway.bodies.job
    import dirac_prodsys.gateway.dirac  # noqa: F401

    gc.collect()
    gc.freeze()
    return Server(place, idle, listener, lock)


class Server:
    """The agent.

    :param idle: seconds without a connection after which it ends, and each worker.
    :param lock: the open file that says that it runs.
    """

    def __init__(self, place: Place, idle: float, listener: socket.socket, lock: IO[str]) -> None:
        self._place, self._idle, self._listener, self._lock = place, idle, listener, lock
        self._workers: dict[str, Worker] = {}
        self._files = _files(place)

    def run(self) -> None:
        """Serve until nobody has been connected for a while, or until its files are not its own."""
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()
        busy = time.monotonic()
        while (ours := _files(self._place) == self._files) and time.monotonic() - busy < self._idle:
            if select.select([self._listener], [], [], _LOOK)[0]:
                self._take_in()
            self._reap()
            if self._workers:
                busy = time.monotonic()
        if ours:
            self._place.socket.unlink(missing_ok=True)
        self._listener.close()

    def _take_in(self) -> None:
        """Hand a new connection to the worker of its identity."""
        end, _ = self._listener.accept()
        with end, contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if of_this_user(end):
                hello = _first_line(end)
                facts = json.loads(hello)
                if facts["version"] != version():
                    end.sendall(json.dumps({"version": version()}).encode() + b"\n")
                    return
                self._hand_over(_identity(facts), hello, end, facts["environment"])

    def _hand_over(
        self, identity: str, hello: bytes, end: socket.socket, environment: dict[str, str]
    ) -> None:
        for _ in range(2):  # a worker may just be ending
            worker = self._workers.get(identity) or self._fork(identity, end, environment)
            try:
                socket.send_fds(worker.channel, [hello], [end.fileno()])
                return
            except OSError:
                self._forget(identity)

    def _fork(self, identity: str, end: socket.socket, environment: dict[str, str]) -> Worker:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid:
            theirs.close()
            ours.settimeout(_PATIENCE)
            self._workers[identity] = Worker(pid, ours)
            return self._workers[identity]
        try:
            # what only the agent has: else its lock would outlive it, and its socket
            for each in (ours, end, self._listener, self._lock):
                each.close()
            for other in self._workers.values():
                other.channel.close()
            os.environ.update(environment)
            serve(theirs, self._idle)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(0)

    def _reap(self) -> None:
        """Forget the workers that have ended."""
        for identity, worker in [*self._workers.items()]:
            if os.waitpid(worker.pid, os.WNOHANG)[0]:
                worker.channel.close()
                del self._workers[identity]

    def _forget(self, identity: str) -> None:
        """End a worker that takes no connection any more: it is ending, or stopped."""
        worker = self._workers.pop(identity)
        worker.channel.close()
        os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)


def _files(place: Place) -> list[int]:
    """Return the identities of the files by which an agent is found, and finds its own code."""
    found = []
    for path in (place.socket, place.running, place.code / CODE.name):
        try:
            found.append(path.lstat().st_ino)
        except OSError:
            found.append(0)
    return found


def _first_line(end: socket.socket) -> bytes:
    """Return what a new connection says first, and not a byte more."""
    deadline = time.monotonic() + _PATIENCE
    found = b""
    while not found.endswith(b"\n"):
        end.settimeout(max(0.01, deadline - time.monotonic()))
        more = end.recv(_MOST - len(found))
        if not more:
            raise ConnectionResetError("it is gone, or says too much")
        found += more
    end.settimeout(None)
    return found


def _identity(facts: dict[str, Any]) -> str:
    chosen = {name: facts["settings"][name] for name in _IDENTITY}
    return json.dumps([chosen, facts["environment"]], sort_keys=True)
