"""Runs the servers that several machines share: PostgreSQL, Redis, and a store of objects.

They listen on the addresses of their machines and nowhere else. The store speaks S3; it is kept in
memory (``moto_server``).
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from sandbox.airflow.machines.network import Network
from sandbox.errors import SandboxError
from sandbox.process import Processes

POSTGRES_PORT, REDIS_PORT, STORE_PORT = 5432, 6379, 9000
BUCKET = "prodsys"
_POSTGRES = Path("/usr/lib/postgresql/15/bin")
_READY_SECONDS = 60.0
#: nobody needs these data after a power cut
_POSTGRES_OPTIONS = ("fsync=off", "max_connections=200", "unix_socket_directories=")


class Servers:
    """The three servers.

    :param folder: place of their files; other users must be able to enter it.
    :param password: of PostgreSQL's and Redis's user.
    :param programs: folder with ``moto_server``.
    """

    def __init__(
        self,
        network: Network,
        processes: Processes,
        folder: Path,
        password: str,
        programs: Path,
    ) -> None:
        self._network = network
        self._processes = processes
        self._folder = folder
        self._password = password
        self._programs = programs

    def up(self) -> None:
        """Start all. :raises SandboxError: one does not start."""
        self._start_postgres()
        address = self._network.address("broker")
        self._start(
            "redis",
            "broker",
            *("redis-server", "--bind", address, "--port", str(REDIS_PORT), "--save", ""),
            *("--requirepass", self._password),
        )
        address = self._network.address("store")
        command = str(self._programs / "moto_server")
        self._start("store", "store", command, "-H", address, "-p", str(STORE_PORT))
        bucket = f"http://{address}:{STORE_PORT}/{BUCKET}"
        self._until("store", lambda: _put(bucket))

    # -- inside -------------------------------------------------------------------------------

    def _start_postgres(self) -> None:
        data = self._folder / "postgres"
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        secret = data.parent / "postgres-password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        shutil.chown(secret, "postgres", "postgres")
        options = ("--auth=scram-sha-256", f"--pwfile={secret}", "--username=airflow")
        _run(*_AS_POSTGRES, str(_POSTGRES / "initdb"), "--no-sync", "-D", str(data), *options)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self._network.range} scram-sha-256\n")
        address = self._network.address("db")
        settings = [f"listen_addresses={address}", *_POSTGRES_OPTIONS]
        flags = [part for setting in settings for part in ("-c", setting)]
        server = (*_AS_POSTGRES, str(_POSTGRES / "postgres"), "-D", str(data), *flags)
        self._start("postgres", "db", *server)
        ask = [str(_POSTGRES / "pg_isready"), "-q", "-h", address, "-p", str(POSTGRES_PORT)]
        self._until("postgres", lambda: subprocess.run(ask, check=False).returncode == 0)

    def _start(self, name: str, machine: str, *command: str) -> None:
        self._processes.start(
            name,
            self._network.on(machine, *command),
            {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"},
            self._folder,
        )

    def _until(self, name: str, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not answers():
            if self._processes.find(name) is None or time.monotonic() > deadline:
                raise SandboxError(
                    f"{name} does not start: {self._processes.last_word(name)}",
                    log=self._processes.state.log_of(name),
                )
            time.sleep(0.1)


#: PostgreSQL refuses to run as root
_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise SandboxError(f"{command[-1]}: {done.stderr.strip()}")


def _put(url: str) -> bool:
    """Make a bucket; return whether the server answered."""
    request = urllib.request.Request(url, method="PUT")  # noqa: S310 (an address of our own)
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=5):  # noqa: S310
        return True
    return False
