"""The DIRAC agents of a test: in a folder of their own, and ended with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dirac_prodsys.gateway.agent.place import FOLDER
from tests.patience import until


@contextmanager
def agents_in(folder: Path) -> Iterator[Path]:
    """Have agents that this process starts in the block there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        folder.chmod(0o700)
        yield folder
    for agent in running(folder):
        agent.kill()
    until("the end of all agents", 20, lambda: not processes(folder))


def running(folder: Path) -> list[psutil.Process]:
    """The agents of a folder that live."""
    return [each for each in processes(folder) if each.ppid() not in _pids(folder)]


def workers(folder: Path) -> list[psutil.Process]:
    """Their workers."""
    return [each for each in processes(folder) if each.ppid() in _pids(folder)]


def processes(folder: Path) -> list[psutil.Process]:
    """Agents and workers."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            if process.status() != psutil.STATUS_ZOMBIE and line[-8:-6] == [
                "--folder",
                str(folder),
            ]:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _pids(folder: Path) -> set[int]:
    return {each.pid for each in processes(folder)}


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process whose agents are there."""
    return {**os.environ, FOLDER: str(folder)}
