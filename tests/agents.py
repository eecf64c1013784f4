"""The DIRAC agents of a test: in a folder of their own, and ended with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
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
    kill(running(folder))
    until("the end of all agents", 20, lambda: not processes(folder))


def kill(victims: Iterable[psutil.Process]) -> None:
    """kill -9 these; one may have ended meanwhile."""
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()


def running(folder: Path) -> list[psutil.Process]:
    """The agents of a folder that live."""
    return [process for process, is_agent in _looked_at(folder).items() if is_agent]


def workers(folder: Path) -> list[psutil.Process]:
    """Their workers."""
    return [process for process, is_agent in _looked_at(folder).items() if not is_agent]


def processes(folder: Path) -> list[psutil.Process]:
    """Agents and workers."""
    return list(_looked_at(folder))


def _looked_at(folder: Path) -> dict[psutil.Process, bool]:
    """Agents and workers of one look, and whether each is an agent.

    Who starts an agent forks it and ends: two looks would take both for agents.
    """
    parents = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[-8:-6] == ["--folder", str(folder)]:
                parents[process] = process.ppid()
    living = {process.pid: process for process in parents if lives(process)}
    return {process: parents[process] not in living for process in living.values()}


def lives(process: psutil.Process) -> bool:
    """Whether a process has not ended."""
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process whose agents are there."""
    return {**os.environ, FOLDER: str(folder)}
