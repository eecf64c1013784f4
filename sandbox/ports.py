"""Chooses free ports once and keeps them, so that a client's configuration survives restarts.

They are below the kernel's range for outgoing connections: inside it, any client of the machine
may use one of them when the grid comes up again.
"""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil

from sandbox.errors import SandboxError
from sandbox.state import State

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 12000


def allocate(state: State, names: Iterable[str]) -> dict[str, int]:
    """Return a port for each name: the kept ones, and new free ones for new names.

    :raises SandboxError: no free port is found.
    """
    kept: dict[str, int] = state.read("ports")
    missing = [name for name in names if name not in kept]
    if missing:
        highest = _first_ephemeral_port()
        candidates = random.sample(range(_LOWEST, highest), k=min(highest - _LOWEST, 2000))
        for name in missing:
            for port in candidates:
                if port not in kept.values() and not _taken(port):
                    kept[name] = port
                    break
            else:
                raise SandboxError(f"no free port between {_LOWEST} and {highest} for {name}")
        state.write("ports", kept)
    return {name: kept[name] for name in names}


def demand_free(state: State, ports: dict[str, int]) -> None:
    """Check the ports. :raises SandboxError: naming the first one in use, and its owner."""
    for name, port in ports.items():
        if _taken(port):
            raise SandboxError(
                f"port {port} ({name}) is in use{_owner(port)}",
                f"stop that program, or remove {state.root / 'ports.json'} to choose other ports",
            )


def _first_ephemeral_port() -> int:
    with contextlib.suppress(OSError, ValueError):
        first = int(_EPHEMERAL.read_text().split()[0])
        if first > _LOWEST + 2000:
            return first
    return 32768


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
