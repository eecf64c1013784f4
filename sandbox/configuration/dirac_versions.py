"""Runs a command of the sandbox in the environment of another version of DIRAC.

Invariant: services, agents and clients of one grid are of one version: that of the interpreter that
starts them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

from sandbox.configuration.environment import REPOSITORY
from sandbox.errors import SandboxError


def known() -> list[str]:
    """Return the versions that have a lock of their own."""
    prefix = "requirements-dirac-"
    return sorted(path.stem.removeprefix(prefix) for path in REPOSITORY.glob(f"{prefix}*.txt"))


def run_in(wanted: str) -> None:
    """Go on with this very command in an environment of that DIRAC; return if this is one.

    :raises SandboxError: there is no lock for it, or its packages cannot be installed.
    """
    try:
        ours = version("DIRAC")
    except PackageNotFoundError:
        ours = ""
    if ours.startswith(f"{wanted}."):
        return
    if wanted not in known():
        raise SandboxError(
            f"there is no lock for DIRAC {wanted}", f"there are: {', '.join(known())}"
        )
    if subprocess.run([REPOSITORY / "scripts/setup-dirac", wanted], check=False).returncode:
        raise SandboxError(f"the environment of DIRAC {wanted} cannot be made", "see above")
    python = str(REPOSITORY / ".cache" / f"dirac-{wanted}" / "bin" / "python")
    path = os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)])
    command = [python, "-m", "sandbox", *sys.argv[1:]]
    os.execve(python, command, {**os.environ, "PYTHONPATH": path})  # noqa: S606  no shell is meant
