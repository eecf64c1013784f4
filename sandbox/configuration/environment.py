"""Builds the environments of server processes, jobs and clients.

Invariant: nothing of the caller's own DIRAC set-up reaches the grid, and the grid's secrets reach
no client: every variable that DIRAC reads is dropped first, then set on purpose.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox.configuration import certificates, files
from sandbox.state import State

REPOSITORY = Path(__file__).resolve().parents[2]
SOFTWARE = REPOSITORY / "sandbox" / "software" / "bin"
#: commands of DIRAC that jobs run, without the import of DIRAC (`drivers.warm_programs`)
WARM = REPOSITORY / "sandbox" / "software" / "warm"
#: The bin folder of this interpreter's environment; not resolved, its python is a symbolic link.
VENV_BIN = Path(sys.executable).parent

_FOREIGN = ("DIRAC", "X509_", "PYTHONPATH", "PYTHONHOME", "BEARER_TOKEN", "AIRFLOW")


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


def _path(*first: Path) -> str:
    return os.pathsep.join([*map(str, first), os.environ.get("PATH", os.defpath)])


def server(state: State, local_configuration: str, root: Path | None = None) -> dict[str, str]:
    """Return the environment of services, agents and the processes that they start.

    :param local_configuration: name of a file below etc/.
    :param root: DIRAC_ROOT_PATH, the services' by default.
    """
    return {
        **_inherited(),
        "PATH": _path(WARM, SOFTWARE, VENV_BIN),
        "SANDBOX_WARM_PROGRAMS": str(state.socket.with_name("warm.sock")),
        # else ~/.dirac.cfg of the user who starts the sandbox would be merged in
        "HOME": str(state.home),
        "TMPDIR": str(state.tmp),
        "LANG": "C.UTF-8",
        "DIRACSYSCONFIG": str(state.etc / local_configuration),
        "DIRAC_ROOT_PATH": str(root or state.dirac),
        "X509_CERT_DIR": str(certificates.certificates_folder(state)),
        "PYTHONUNBUFFERED": "1",
        # dozens of mostly idle threads: glibc's default of 8 arenas a core costs tens of MB
        "MALLOC_ARENA_MAX": "2",
    }


def client(state: State, user: str, group: str) -> dict[str, str]:
    """Return the environment of a client: the caller's own, pointed at this grid."""
    return {
        **_inherited(),
        "PATH": _path(VENV_BIN),
        **files.client_environment(state, user, group),
    }
