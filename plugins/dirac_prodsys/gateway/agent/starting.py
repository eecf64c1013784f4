"""Finds the agent of this machine and user; starts it if there is none.

Invariant: however many processes look for it at once, one agent runs; a socket that a dead one
left is no agent. Before the agent has answered nothing was asked of the grid, so looking is
repeated until the connection's timeout is over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.agent.place import CODE, OTHER_CODE, Place, place_of, version
from dirac_prodsys.gateway.agent.wire import Line, of_this_user, short_path
from dirac_prodsys.gateway.records import GatewaySettings

#: variable: seconds without a connection after which an agent ends
IDLE = "DIRAC_PRODSYS_AGENT_IDLE"
_IDLE_SECONDS = "300"

#: variables by which a DIRAC process finds its grid and identity; they come with each connection
IDENTITY = ("DIRAC_ROOT_PATH", "DIRACSYSCONFIG", "HOME", "X509_CERT_DIR", "X509_USER_PROXY")
#: beginnings of variables that the agent does not get: Airflow's secrets, tokens
_OURS = ("AIRFLOW", "BEARER_TOKEN", *IDENTITY)
#: those that lead a Python to our packages, which are not those of another Python
_PYTHON = ("PYTHON", "VIRTUAL_ENV")

#: seconds between two looks for an agent that another process starts
_PAUSE = 0.05


def connect(settings: GatewaySettings) -> Line:
    """Return a connection to the agent, on which the verbs of this identity may be asked.

    :raises GatewayRejected: the agent cannot be started.
    :raises GatewayUnavailable: it does not answer within the connection's timeout.
    """
    deadline = time.monotonic() + settings.timeout
    place = place_of(settings.dirac_python)
    last = "it has not started"
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = _connected(place, left)
            if line is None:
                with _starting(place, deadline):
                    line = _connected(place, left)
                    if line is None:
                        _start(place, settings.dirac_python, deadline)
                        continue
            with _closed_if_it_fails(line):
                line.send(hello(settings), left)
                answer = line.receive(left)
        except OSError as error:  # it just ended, and the next one is started
            last = str(error)
            time.sleep(_PAUSE)
            continue
        if answer.get("version") == version():
            return line
        line.close()
        last = "it runs another version of this code"
        time.sleep(_PAUSE)
    raise GatewayUnavailable(
        f"the DIRAC agent does not answer in {settings.timeout:g} s: {last}",
        f"it is started again by itself; its log is {place.log}",
    )


def hello(settings: GatewaySettings) -> dict[str, Any]:
    """Return the first thing that the agent is told: who asks, with paths as they are here."""
    here = replace(
        settings,
        backend="dirac",
        dirac_python="",
        config=_absolute(settings.config),
        proxy=_absolute(settings.proxy),
        ca_dir=_absolute(settings.ca_dir),
    )
    environment = {name: os.environ[name] for name in IDENTITY if name in os.environ}
    return {"version": version(), "settings": asdict(here), "environment": environment}


def _absolute(path: str) -> str:
    if not path or path.startswith(("dips://", "dip://")):
        return path
    return os.path.abspath(os.path.expanduser(path))


def _connected(place: Place, seconds: float) -> Line | None:
    """Return a connection to whoever listens; None: nobody does."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.settimeout(seconds)
        with short_path(place.socket) as path:
            end.connect(path)
        if not of_this_user(end):
            raise GatewayRejected(
                f"{place.socket} belongs to another user", "remove it, and see who made it"
            )
    except (FileNotFoundError, ConnectionRefusedError):
        end.close()
        return None
    except BaseException:
        end.close()
        raise
    return Line(end)


@contextlib.contextmanager
def _closed_if_it_fails(line: Line) -> Iterator[None]:
    try:
        yield
    except BaseException:
        line.close()
        raise


@contextlib.contextmanager
def _starting(place: Place, deadline: float) -> Iterator[None]:
    """Be the only one who starts the agent in the block."""
    with place.starting.open("a") as file:
        while not locked(file.fileno()):
            if time.monotonic() > deadline:
                raise TimeoutError("another process is starting it")
            time.sleep(_PAUSE)
        yield


def locked(file: int) -> bool:
    """Lock a file for as long as it is open; return whether nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(place: Place, python: str, deadline: float) -> None:
    """Start the agent; return when it listens and has imported DIRAC.

    :raises GatewayRejected: it cannot be started.
    :raises GatewayUnavailable: it is of other code than this process, which has seen an upgrade.
    """
    command = [python or sys.executable, "-m", "dirac_prodsys.gateway.agent"]
    command += ["--folder", str(place.folder), "--name", place.name, "--version", version()]
    command += ["--idle", os.environ.get(IDLE, _IDLE_SECONDS)]
    with open(place.log, "wb", opener=_private) as log:
        try:
            process = subprocess.Popen(
                command,
                env=_environment(place, python),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise GatewayRejected(
                f"{command[0]} cannot be started: {error.strerror}",
                "let the connection's dirac_python be the path of a Python that has DIRAC",
            ) from None
    try:
        code = process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise TimeoutError("it takes too long to start") from None
    if code < 0:
        raise ConnectionAbortedError(f"it was killed while it started (signal {-code})")
    if code == OTHER_CODE:
        raise GatewayUnavailable(
            "dirac-prodsys was upgraded under this process, and DIRAC's agent has the new code",
            "restart the process: Airflow's triggerer or worker",
        )
    if code:
        words = place.log.read_text(errors="replace").strip().splitlines()
        raise GatewayRejected(
            f"the DIRAC agent ended at once: {words[-1] if words else f'exit code {code}'}",
            f"{command[0]} needs DIRAC, and what `pip install dirac-prodsys` installs; see "
            f"{place.log}",
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _environment(place: Place, python: str) -> Mapping[str, str]:
    """Return the environment of the agent: ours, without identity and secrets."""
    dropped = _OURS if python in ("", sys.executable) else (*_OURS, *_PYTHON)
    found = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = [str(_code(place)), *filter(None, [found.get("PYTHONPATH")])]
    return {**found, "PYTHONPATH": os.pathsep.join(path)}


def _code(place: Place) -> Path:
    """Return a folder that has this package and nothing else.

    Another Python shall find it, and not the other packages that are installed beside it.
    """
    place.code.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (place.code / CODE.name).symlink_to(CODE)
    return place.code
