"""Manages one long-running process of the grid: its own group, known by pid *and* start time.

Invariant: a signal goes only to a process with the recorded start time. So a pid that the kernel
has reused is never touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.errors import SandboxError
from sandbox.state import State

#: Each process of a grid, and each job that it starts, carries the state's path in this variable.
MARK = "DIRAC_SANDBOX_GRID"
_TERM_SECONDS = 5.0
#: A longer log is put aside, as the only old one, when its process starts.
_LOG_BYTES = 5 * 2**20


@dataclass(frozen=True)
class Handle:
    """A process as its pidfile records it."""

    name: str
    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        """Return the living process, or None if it is gone or its pid belongs to another now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            alive = same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if alive else None


class Processes:
    """The processes of one grid, by name, on top of the pidfiles in its state directory."""

    def __init__(self, state: State) -> None:
        self.state = state

    def _pidfile(self, name: str) -> Path:
        return self.state.run / f"{name}.pid"

    def ready_file(self, name: str) -> Path:
        """Return the file by which a driver reports that it is ready."""
        return self.state.run / f"{name}.ready"

    def names(self) -> list[str]:
        """Return all names with a pidfile, whether their processes live or not."""
        return sorted(path.stem for path in self.state.run.glob("*.pid"))

    def handle(self, name: str) -> Handle | None:
        """Return the content of the pidfile of ``name``, or None."""
        try:
            facts = json.loads(self._pidfile(name).read_text())
            return Handle(name, int(facts["pid"]), float(facts["started"]))
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def find(self, name: str) -> psutil.Process | None:
        """Return the living process of that name, or None."""
        handle = self.handle(name)
        return handle.process() if handle else None

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` in its own group, with its output appended to its log.

        :raises SandboxError: the program does not exist or cannot be executed.
        """
        self.ready_file(name).unlink(missing_ok=True)
        full = {
            **env,
            MARK: str(self.state.root),
            "SANDBOX_READY_FILE": str(self.ready_file(name)),
        }
        log_file = self.state.log_of(name)
        if log_file.exists() and log_file.stat().st_size > _LOG_BYTES:
            log_file.replace(log_file.with_suffix(".old.log"))
        with log_file.open("ab") as log:
            try:
                child = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=full,
                    cwd=cwd,
                    start_new_session=True,
                )
            except OSError as error:
                raise SandboxError(f"{command[0]} cannot be started: {error.strerror}") from error
        try:
            started = psutil.Process(child.pid).create_time()
        except psutil.Error:
            started = time.time()
        facts = json.dumps({"pid": child.pid, "started": started, "command": list(command)})
        self._pidfile(name).write_text(facts + "\n")
        return child

    def wait_ready(self, name: str, child: subprocess.Popen[bytes], seconds: float) -> None:
        """Wait for the driver's ready file.

        :raises SandboxError: it ends or takes longer; with the last line of its log.
        """
        deadline = time.monotonic() + seconds
        while not self.ready_file(name).exists():
            code = child.poll()
            if code is not None:
                raise SandboxError(
                    f"{name} ended with code {code}: {self.last_word(name)}",
                    log=self.state.log_of(name),
                )
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"{name} was not ready after {seconds:.0f} s: {self.last_word(name)}",
                    log=self.state.log_of(name),
                )
            time.sleep(0.02)

    def last_word(self, name: str) -> str:
        """Return the last line with text in a log."""
        try:
            lines = self.state.log_of(name).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "it left no log"
        spoken = [line.strip() for line in lines[-50:] if line.strip()]
        return spoken[-1][:300] if spoken else "its log is empty"

    def stop(self, name: str, term_seconds: float = _TERM_SECONDS) -> None:
        """End the process and its group, SIGTERM first. Do nothing if it is unknown or dead."""
        handle = self.handle(name)
        process = handle.process() if handle else None
        family: list[psutil.Process] = []
        if handle and process:
            with contextlib.suppress(psutil.Error):
                family = process.children(recursive=True)
            # a frozen process takes no SIGTERM
            _signal_group(handle.pid, signal.SIGCONT)
            _signal_group(handle.pid, signal.SIGTERM)
            if not wait_gone([process], term_seconds):
                _signal_group(handle.pid, signal.SIGKILL)
                wait_gone([process], term_seconds)
        end(family)
        self._pidfile(name).unlink(missing_ok=True)
        self.ready_file(name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """End whatever still carries this grid's mark: jobs that left their group."""
        end(self.marked())

    def marked(self) -> list[psutil.Process]:
        """Return all living processes that this grid started, directly or not."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                marked = process.environ().get(MARK) == str(self.state.root)
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return [process for process in found if process.pid != os.getpid()]


def end(processes: Sequence[psutil.Process]) -> None:
    """Send SIGTERM, then SIGKILL to those that stay. psutil itself guards against recycled pids."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    if not wait_gone(processes, 2.0):
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        wait_gone(processes, 2.0)


def wait_gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Wait until all have ended; a zombie counts as ended.

    :returns: whether all have.
    """
    deadline = time.monotonic() + seconds
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    try:
        if not process.is_running():
            return False
        # the leader is a zombie while its other threads still hold the sockets
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.Error:
        return False


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
