"""The environments with the versions of CTADIRAC that we speak: each with a Python of its own."""

from __future__ import annotations

import subprocess
import sys

from dirac_prodsys.communities.ctao.body import SPOKEN
from sandbox.configuration.environment import REPOSITORY

#: the version beside us, and the one that needs a newer Python
OLD, NEW = SPOKEN


def python_of(version: str) -> str:
    """The Python of the environment with this CTADIRAC; it is made if it is missing."""
    if version == OLD:
        return sys.executable
    made = subprocess.run(
        [REPOSITORY / "scripts" / "setup-ctadirac"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()
