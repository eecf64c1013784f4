"""Writes what to do when the demo is up: where to look, what to type, and how to end it.

Invariant: pure text; everything it names exists at that time.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_WIDTH = 14
#: of the page of productions, below the address of Airflow
_PAGE = "/plugin/dirac-productions"


@dataclass(frozen=True)
class Place:
    """A demo that is up.

    :param users: name → password and what the user may do.
    :param passwords: the file that has all passwords.
    :param shell: the file that sets a shell's environment.
    :param productions: the folder that Airflow serves.
    :param example: a production that is there.
    :param stop: the command that stops everything.
    """

    url: str
    users: Mapping[str, tuple[str, str]]
    passwords: Path
    shell: Path
    productions: Path
    example: Path
    stop: str


def next_steps(place: Place, run: str = "") -> str:
    """Return what a person may do next.

    :param run: tag of an existing run; empty: nothing was run.
    """
    production = place.example.stem
    rows = [("the page", f"{place.url}{_PAGE}"), ("Airflow", place.url)]
    rows += [
        ("", f"user {name}, password {password} ({may})")
        for name, (password, may) in place.users.items()
    ]
    rows.append(("", f"all passwords: {place.passwords}"))
    if not run:
        rows.append(("run it", f"trigger the DAG {production} there, or: make demo"))
    rows.append(("your own", f"drop a YAML into {place.productions}: its DAG appears in seconds"))
    rows.append(("in a shell", f". {_quoted(place.shell)}"))
    if run:
        rows.append(("", f"dirac-prodsys status --file {_quoted(place.example)} --run {run}"))
    rows.append(("", f"dirac-prodsys lint --live {_quoted(place.example)}"))
    rows.append(("stop it", place.stop))
    heads = (f"{head}:" if head else "" for head, _ in rows)
    lines = (f"{head:<{_WIDTH}}{text}" for head, (_, text) in zip(heads, rows, strict=True))
    return "\n".join(lines)


def shell_environment(grid: Path, programs: Path, url: str, user: str, password: str) -> str:
    """Return the text of a file for a shell to source, so that the command line uses this demo.

    :param grid: the grid's own such file.
    :param programs: the folder of ``dirac-prodsys``.
    :param url: URL of this Airflow; ``user`` and ``password`` are its login.
    """
    airflow = {"": url, "_USER": user, "_PASSWORD": password}
    lines = [
        "# the demo's grid and Airflow, for a shell that runs dirac-prodsys",
        f". {_quoted(grid)}",
        f'export PATH={_quoted(programs)}:"$PATH"',
        *(
            f"export DIRAC_PRODSYS_AIRFLOW{name}={shlex.quote(value)}"
            for name, value in airflow.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
