"""What a sandbox says of itself, and what it leaves behind."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from sandbox import Grid
from sandbox.configuration.environment import REPOSITORY


def sandbox(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def assert_nothing_left(grid: Grid) -> None:
    assert grid.processes.marked() == []
    assert grid.processes.names() == []
    assert [port for port in grid.ports().values() if listens(port)] == []
    assert list(grid.state.proxies.iterdir()) == []
    assert list(grid.state.tmp.iterdir()) == []
    assert not grid.state.socket.exists()
