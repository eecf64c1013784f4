"""A PostgreSQL of Debian's package, for tests: on a socket of its own, without a network."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.patience import until

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_OPTIONS = ("fsync=off", "listen_addresses=", "max_connections=60", "shared_buffers=32MB")


class Postgres:
    """One server.

    :param folder: place of its files; other users must be able to enter it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._server: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root
        self._as: tuple[str, ...] = ()
        folder.mkdir()
        if os.geteuid() == 0:
            self._as = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "--no-sync", "-D", str(self.data), "--username=ledger", "--auth=trust")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://ledger@/postgres?host={self.folder}"

    def start(self) -> None:
        flags = [
            part
            for one in (*_OPTIONS, f"unix_socket_directories={self.folder}")
            for part in ("-c", one)
        ]
        command = [*self._as, str(PROGRAMS / "postgres"), "-D", str(self.data), *flags]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        ask = [str(PROGRAMS / "pg_isready"), "-q", "-h", str(self.folder)]
        until("PostgreSQL", 30, lambda: subprocess.run(ask, check=False).returncode == 0)

    def stop(self) -> None:
        """Stop at once, as in a crash."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                self._server.send_signal(signal.SIGQUIT)
            self._server.wait(60)
            self._server = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze it: it takes connections, and answers nothing."""
        assert self._server is not None
        server = psutil.Process(self._server.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(PROGRAMS / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/")
