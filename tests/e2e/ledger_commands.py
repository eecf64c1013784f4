"""Asks grid and ledger of a site as a person does, by ``dirac-prodsys``."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from sandbox.configuration.environment import REPOSITORY, VENV_BIN
from tests.e2e.site import Site
from tests.patience import patience


def ledger_url(site: Site) -> str:
    """The ledger of the site's Airflow."""
    return f"sqlite:///{site.stack.home / 'dirac_prodsys' / 'ledger.db'}"


def run(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the production manager."""
    code = os.pathsep.join(map(str, (REPOSITORY / "plugins", REPOSITORY)))
    return subprocess.run(
        [str(VENV_BIN / "dirac-prodsys"), *words],
        env={**site.grid.env(), "PYTHONPATH": code, "DIRAC_PRODSYS_LEDGER": ledger_url(site)},
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )


def asked(site: Site, *words: str, code: int = 0) -> Any:
    """What the command answers as JSON.

    :param code: its exit code.
    """
    done = run(site, *words, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)
