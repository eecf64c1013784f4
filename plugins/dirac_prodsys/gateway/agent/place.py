"""Names the place of the agent: which folder, which socket, who may start it.

Invariant: processes of one machine, one user, one ``dirac_python`` and one version of this code
have the same place, and no others have it. The folder belongs to this user and is closed to
all others.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dirac_prodsys.errors import GatewayRejected

#: variable that names the folder of the sockets
FOLDER = "DIRAC_PRODSYS_AGENTS"

#: exit code of an agent whose code is not what whoever started it runs
OTHER_CODE = 3

#: folder that has the package
CODE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """The files of one agent.

    :param folder: a folder of this user alone.
    :param name: differs between agents.
    """

    folder: Path
    name: str

    @property
    def socket(self) -> Path:
        """Return the socket on which it listens."""
        return self.folder / f"{self.name}.sock"

    @property
    def starting(self) -> Path:
        """Return the file that is locked by who starts it."""
        return self.folder / f"{self.name}.starting"

    @property
    def running(self) -> Path:
        """Return the file that is locked while it runs; it has its PID."""
        return self.folder / f"{self.name}.running"

    @property
    def code(self) -> Path:
        """Return the folder with the link from which it imports us."""
        return self.folder / f"{self.name}.code"

    @property
    def log(self) -> Path:
        """Return its log."""
        return self.folder / f"{self.name}.log"


def place_of(python: str) -> Place:
    """Return the place of the agent of a Python, and make its folder.

    :param python: path; empty: our own.
    :raises GatewayRejected: the folder is open to others, or cannot be made.
    """
    python = python or sys.executable
    # two containers or network namespaces are two machines: they may reach different grids
    machine = os.stat("/proc/self/ns/net").st_ino
    facts = "\0".join([python, version(), str(machine)])
    return Place(_folder(), hashlib.sha256(facts.encode()).hexdigest()[:16])


@functools.cache
def version() -> str:
    """Return what tells this code from any other: an upgrade, or an edit, changes it."""
    found = hashlib.sha256(str(CODE).encode())
    for room in ("core", "gateway", "communities"):
        for file in sorted(CODE.joinpath(room).rglob("*.py")):
            facts = file.stat()
            found.update(f"{file.relative_to(CODE)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return found.hexdigest()[:16]


def _folder() -> Path:
    user = os.getuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    chosen = os.environ.get(FOLDER, "")
    if not chosen:
        chosen = f"{runtime}/dirac-prodsys" if runtime else ""
    folder = Path(chosen or f"{tempfile.gettempdir()}/dirac-prodsys-{user}").absolute()
    way_out = f"let {FOLDER} name a folder that belongs to the user who runs Airflow, mode 0700"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise GatewayRejected(
            f"the agent's folder {folder} cannot be made: {error.strerror}", way_out
        ) from None
    closed = not facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if not (stat.S_ISDIR(facts.st_mode) and facts.st_uid == user and closed):
        raise GatewayRejected(
            f"the agent's folder {folder} is open to others, or belongs to another user", way_out
        )
    return folder
