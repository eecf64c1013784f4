"""Completes words in a shell: production files, names of steps, and tags of runs on the grid.

Invariant: completing never fails and never writes: if a word cannot be looked up, there is no
completion.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import typer

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.options.grid import Grid, run_tags
from dirac_prodsys.core.text.folder_files import ENDINGS
from dirac_prodsys.errors import ProdsysError

#: seconds that a person waits for a completion
_PATIENCE = 5.0


def files(incomplete: str) -> Iterator[str]:
    """Yield production files, and folders on the way to them."""
    folder, _, begin = incomplete.rpartition("/")
    here = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".")
    with contextlib.suppress(OSError):
        for path in sorted(here.iterdir()):
            shown = f"{folder}/{path.name}" if "/" in incomplete else path.name
            if not path.name.startswith(begin) or (path.name.startswith(".") and not begin):
                continue
            if path.is_dir():
                yield f"{shown}/"
            elif path.name.lower().endswith(ENDINGS):
                yield shown


def steps(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the steps of the file given earlier on the line."""
    with contextlib.suppress(ProdsysError, OSError):
        production = read_production(Path(str(context.params.get("file") or "")))
        yield from (s.name for s in production.steps if s.name.startswith(incomplete))


def runs(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield tags of the production's runs on the grid, if the environment names a grid."""
    given = context.params
    file = given.get("file") or given.get("left")
    named = [*(given.get("names") or ()), *filter(None, [given.get("production")])]
    config = given.get("config") or os.environ.get("DIRACSYSCONFIG", "")
    if not (file or named) or not config:
        return
    with contextlib.suppress(ProdsysError, OSError):
        name = read_production(Path(str(file))).name if file else str(named[0])
        backend = str(given.get("backend") or os.environ.get("DIRAC_PRODSYS_BACKEND") or "dirac")
        proxy = os.environ.get("X509_USER_PROXY", "")
        gateway = Grid(backend, str(config), proxy, timeout=_PATIENCE).gateway()
        yield from sorted(tag for tag in run_tags(gateway, name) if tag.startswith(incomplete))
