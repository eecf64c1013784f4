"""Manages one Airflow home: its folders, database and port, and the access of clients.

Invariant: the port and the passwords of a home are chosen once.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox import ports
from sandbox.airflow import empty_database, settings
from sandbox.airflow.rest import AirflowRest
from sandbox.configuration.environment import REPOSITORY, VENV_BIN
from sandbox.errors import SandboxError
from sandbox.process import Processes
from sandbox.state import State


class AirflowHome:
    """An Airflow home, whether its processes run or not.

    :param home: directory of all its files.
    :param productions: folder of production YAMLs.
    :param connections: connection ID -> Airflow's JSON form of a connection.
    :param code: the tree whose code its processes run.
    :param site: the site's file, if it has one.
    :param say: called with one line of progress at a time.
    """

    def __init__(
        self,
        home: str | os.PathLike[str],
        productions: str | os.PathLike[str],
        connections: Mapping[str, Mapping[str, Any]],
        *,
        code: Path = REPOSITORY,
        site: Path | None = None,
        say: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self.state = State(home)
        # task logs and those of the four processes are in one folder
        self.state.log = self.state.root / "logs"
        self.home = self.state.root
        self.productions = Path(productions).resolve()
        self.code = code.resolve()
        self.connections = connections
        self.site = site
        self.say = say
        self.processes = Processes(self.state)
        self._rest: AirflowRest | None = None
        #: processes that this object started, by name
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def port(self) -> int:
        """Return the API server's port, chosen once."""
        return self.ports["airflow"]

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports of the API server and of both log servers, chosen once."""
        self._directories()
        return ports.allocate(self.state, ["airflow", "worker-logs", "trigger-logs"])

    @property
    def url(self) -> str:
        """Return the URL of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def login(self) -> tuple[str, str]:
        """Return user and password."""
        self._directories()
        return settings.USER, settings.secrets_of(self.home)["password"]

    @property
    def viewer_login(self) -> tuple[str, str]:
        """Return user and password of a user who may only look."""
        self._directories()
        return settings.VIEWER, settings.secrets_of(self.home)["viewer_password"]

    @property
    def shifter_login(self) -> tuple[str, str]:
        """Return user and password of a user who may trigger any DAG."""
        self._directories()
        return settings.SHIFTER, settings.secrets_of(self.home)["shifter_password"]

    @property
    def passwords(self) -> Path:
        """Return the file with the passwords of all users."""
        return settings.passwords_file(self.home)

    @property
    def rest(self) -> AirflowRest:
        """Return a session with the API server."""
        if self._rest is None:
            self._rest = AirflowRest(self.url, *self.login)
        return self._rest

    def env(self) -> dict[str, str]:
        """Return the environment of each of its processes, and of a command line beside them."""
        return settings.environment(
            self.home,
            self.ports,
            productions=self.productions,
            code=self.code,
            connections=self.connections,
            site=self.site,
        )

    def command(self, *arguments: str, seconds: float = 120.0) -> str:
        """Run ``airflow ARGUMENTS``; return what it printed.

        :raises SandboxError: it failed; with the last lines of its output.
        """
        log = self.state.log_of("command")
        done = subprocess.run(
            [str(VENV_BIN / "airflow"), *arguments],
            env=self.env(),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        with log.open("a") as stream:
            stream.write(f"$ airflow {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            words = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise SandboxError(
                f"airflow {' '.join(arguments)} failed: {words[-1] if words else 'no word'}",
                log=log,
            )
        return done.stdout

    def _directories(self) -> None:
        for folder in (self.home, self.state.run, self.state.log, self.home / "tmp"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _prepare(self) -> None:
        try:
            self._directories()
        except OSError as error:
            raise SandboxError(f"{self.home} cannot be written: {error.strerror}") from error
        for folder in (self.productions, self.code / "dags"):
            if not folder.is_dir():
                raise SandboxError(f"there is no folder {folder}")

    def _close_session(self) -> None:
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    def _migrate(self) -> None:
        """Make the database once."""
        done = self.home / "migrated"
        if done.exists():
            return
        self.say("creating Airflow's database")
        empty_database.provide(self.home / "airflow.db", lambda: self.command("db", "migrate"))
        done.touch()
