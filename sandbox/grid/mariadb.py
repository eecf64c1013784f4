"""Runs the grid's own MariaDB server: private data directory, socket and port, cheap on fsync.

Durability is given up on purpose: the data of a rehearsal may be lost with the machine, and each
fsync would cost an agent cycle on a slow disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from sandbox.configuration import files
from sandbox.configuration.components import dirac_folder
from sandbox.configuration.profiles import DATABASES
from sandbox.errors import SandboxError
from sandbox.process import Processes
from sandbox.state import State

NAME = "mariadb"
#: Debian keeps servers here, and ordinary users do not have it on their PATH.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin")
_PACKAGE_HINT = "install the Debian package mariadb-server: apt-get install mariadb-server"
_LEAST_FREE_MIB = 400

_SETTINGS = """\
[mariadbd]
datadir={database}
socket={socket}
pid-file={run}/mariadbd.id
tmpdir={tmp}
port={port}
bind-address=127.0.0.1
{user}
skip-log-bin
innodb_buffer_pool_size=96M
innodb_log_file_size=48M
innodb_flush_log_at_trx_commit=2
innodb_doublewrite=0
innodb_flush_method=O_DIRECT_NO_FSYNC
performance_schema=OFF
max_connections=400
sql_mode=NO_ENGINE_SUBSTITUTION
character-set-server=utf8mb4
"""


def program(name: str) -> str:
    """Return the path of one of MariaDB's programs. :raises SandboxError: it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    found = shutil.which(name, path=path)
    if found is None:
        raise SandboxError(f"{name} is not installed", _PACKAGE_HINT)
    return found


class MariaDB:
    """The database server of one grid."""

    def __init__(self, state: State, processes: Processes) -> None:
        self.state = state
        self.processes = processes
        self.settings = state.etc / "mariadb.cnf"

    def start(self, port: int) -> None:
        """Start the server on ``port``, making its data directory if there is none.

        :raises SandboxError: package missing, disk full, or the server's own error.
        """
        server = program("mariadbd")
        self._demand_space()
        self._write_settings(port)
        if not (self.state.database / "mysql").is_dir():
            self._install()
        env = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.state.home)}
        child = self.processes.start(
            NAME, [server, f"--defaults-file={self.settings}"], env, self.state.root
        )
        deadline = time.monotonic() + 60
        while not self.answers():
            if child.poll() is not None or time.monotonic() > deadline:
                raise SandboxError(
                    f"mariadbd does not start: {self._complaint()}",
                    log=self.state.log_of(NAME),
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server; it gets time to close its files."""
        self.processes.stop(NAME, term_seconds=20)

    def answers(self) -> bool:
        """Check whether the server takes a connection now."""
        import MySQLdb

        try:
            self._connect().close()
        except MySQLdb.Error:
            return False
        return True

    def create_databases(self, password: str) -> None:
        """Create the missing databases and tables from DIRAC's own .sql files.

        :raises SandboxError: with the server's words.
        """
        have = self._databases()
        dirac = dirac_folder()
        user = files.DATABASE_USER
        script = []
        for system, databases in DATABASES.items():
            for database in databases:
                if database in have:
                    continue
                script.append(f"CREATE DATABASE {database};")
                script += [
                    f"GRANT ALL ON {database}.* TO '{user}'@'{host}' IDENTIFIED BY '{password}';"
                    for host in ("127.0.0.1", "localhost")
                ]
                script.append(f"USE {database};")
                script.append((dirac / f"{system}System" / "DB" / f"{database}.sql").read_text())
        if not script:
            return
        done = subprocess.run(
            [program("mariadb"), "--no-defaults", f"--socket={self.state.socket}", "--user=root"],
            input="\n".join(script),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self.state.log_of("databases").write_text(done.stderr)
            raise SandboxError(
                f"the DIRAC databases cannot be created: {done.stderr.strip()[:300]}",
                log=self.state.log_of("databases"),
            )

    def _connect(self) -> Any:
        # imported here, so that status and down work without the sandbox's packages
        import MySQLdb

        return MySQLdb.connect(unix_socket=str(self.state.socket), user="root")

    def _databases(self) -> set[str]:
        with self._connect() as connection:
            cursor = connection.cursor()
            cursor.execute("SHOW DATABASES")
            return {row[0] for row in cursor.fetchall()}

    def _write_settings(self, port: int) -> None:
        self.state.socket.parent.mkdir(mode=0o700, exist_ok=True)
        self.settings.write_text(
            _SETTINGS.format(
                database=self.state.database,
                socket=self.state.socket,
                run=self.state.run,
                tmp=self.state.tmp,
                port=port,
                # mariadbd runs as root only if this is set
                user="user=root" if os.getuid() == 0 else "",
            )
        )

    def _install(self) -> None:
        log = self.state.log_of("mariadb-install")
        with log.open("wb") as output:
            done = subprocess.run(
                [
                    program("mariadb-install-db"),
                    f"--defaults-file={self.settings}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    # this machine's name may be unknown to every resolver
                    "--skip-name-resolve",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.state.root,
                check=False,
            )
        if done.returncode:
            shutil.rmtree(self.state.database / "mysql", ignore_errors=True)
            raise SandboxError("the database cannot be initialised", log=log)

    def _demand_space(self) -> None:
        free = shutil.disk_usage(self.state.root).free // 2**20
        if free < _LEAST_FREE_MIB:
            raise SandboxError(
                f"only {free} MiB are free on the disk of {self.state.root}",
                f"the grid needs {_LEAST_FREE_MIB} MiB: make room, or choose another --state",
            )

    def _complaint(self) -> str:
        log: Path = self.state.log_of(NAME)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        errors = [line for line in lines[-60:] if "[ERROR]" in line]
        return errors[0].split("[ERROR]", 1)[1].strip()[:300] if errors else "it says nothing"
