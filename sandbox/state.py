"""Manages the files of one grid: a single directory, absolute, private to its owner.

Invariant: a grid writes nowhere else. The one exception is the database's socket, because the
kernel limits its path to 107 bytes. Below a long state directory it is in the system's temporary
directory, under a name made from the state's path, and `down` removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError

#: sun_path of unix(7) holds 108 bytes with the closing zero; the margin is for mariadbd's suffixes.
_LONGEST_SOCKET = 100


class State:
    """The paths of one grid and the small JSON facts kept between its runs.

    :param directory: any path; made absolute, created at first use.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.root = Path(directory).expanduser().resolve()
        self.run = self.root / "run"
        self.log = self.root / "log"
        self.etc = self.root / "etc"
        self.tmp = self.root / "tmp"
        self.home = self.root / "home"
        self.work = self.root / "work"
        self.proxies = self.root / "proxies"
        self.storage = self.root / "storage"
        self.database = self.root / "mysql"
        self.credentials = self.etc / "grid-security"
        #: DIRAC_ROOT_PATH of the services; the Configuration Server keeps its data below it.
        self.dirac = self.root / "dirac"
        self.worker_nodes = self.root / "worker-nodes"
        self.client_cfg = self.root / "client.cfg"
        self.env_sh = self.root / "env.sh"

    def create(self) -> None:
        """Make the directories. :raises SandboxError: the place cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (self.run, self.etc, self.tmp, self.home, self.proxies, self.database):
                folder.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.log, self.work, self.storage, self.credentials):
                folder.mkdir(exist_ok=True)
            (self.dirac / "etc").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxError(
                f"the state directory {self.root} cannot be written: {error.strerror}",
                "choose another one with --state",
            ) from error

    def worker_node(self, site: str) -> Path:
        """Return DIRAC_ROOT_PATH of the site's JobAgent, with its etc/."""
        root = self.worker_nodes / site
        (root / "etc").mkdir(parents=True, exist_ok=True)
        return root

    @property
    def socket(self) -> Path:
        """Return the database's socket, with a path short enough for the kernel."""
        near = self.run / "mysql.sock"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET:
            return near
        tag = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"dirac-sandbox-{os.getuid()}-{tag}" / "mysql.sock"

    def log_of(self, process: str) -> Path:
        """Return the log file of one of the grid's processes."""
        return self.log / f"{process}.log"

    def read(self, name: str) -> dict[str, Any]:
        """Return the facts kept under ``name``, or an empty dict."""
        try:
            facts: dict[str, Any] = json.loads((self.root / f"{name}.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return facts

    def write(self, name: str, facts: dict[str, Any]) -> None:
        """Keep ``facts`` under ``name``; a reader sees the old ones or the new ones, never half."""
        target = self.root / f"{name}.json"
        part = target.with_suffix(".part")
        part.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
        part.replace(target)

    def forget(self, name: str) -> None:
        """Drop the facts kept under ``name``."""
        (self.root / f"{name}.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Allow one `up`, `down` or `wipe` at a time. :raises SandboxError: another one runs."""
        self.create()
        with (self.run / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SandboxError(
                    f"another sandbox command is working on {self.root}", "wait until it is done"
                ) from None
            yield

    def clear_temporary(self) -> None:
        """Remove what agents and jobs left behind: proxies, job directories, the short socket."""
        for folder in (self.tmp, self.work):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        if self.socket.parent != self.run:
            shutil.rmtree(self.socket.parent, ignore_errors=True)
