"""Finds files of datasets that went or changed: ``dirac-prodsys datasets verify``.

Invariant: read-only. Files are named where anything has kept their names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.datasets.names import full_path
from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.catalogue_files import ListedFile

#: exit code when a file went or changed
DIFFERS = 1


@with_grid
def verify(
    grid: Grid,
    datasets: Annotated[
        list[str],
        typer.Argument(metavar="DATASET...", help="Full paths, or last parts in /VO/datasets."),
    ],
    since: Annotated[
        Path | None,
        typer.Option(
            "--list",
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Compare with this list: `datasets show --files --json` of another day.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find files that went or changed since a dataset was made; exit code 1 if there are any.

    The task that makes a dataset keeps the list of its files. Without a list, files that went are
    only counted: the catalogue forgets their names.
    """
    from dirac_prodsys.gateway.procedures.dataset_reports import check_of

    if since is not None and len(datasets) > 1:
        refuse("datasets verify: --list is of one dataset")
    listed = None if since is None else _read(since)
    with readable_errors():
        gateway = grid.gateway()
        found = [check_of(gateway, full_path(gateway, name), listed) for name in datasets]
    if as_json:
        print_json({"datasets": [one.to_dict() for one in found]})
    else:
        for one in found:
            typer.echo("\n".join(one.lines()))
    if not all(one.holds for one in found):
        raise typer.Exit(DIFFERS)


def _read(path: Path) -> list[ListedFile]:
    from dirac_prodsys.core.grid.catalogue_files import ListedFile

    try:
        rows = json.loads(path.read_text("utf-8"))["list"]
        return [ListedFile(str(r["lfn"]), int(r["size"]), str(r["checksum"])) for r in rows]
    except (OSError, ValueError, KeyError, TypeError):
        refuse(f"{path} is no list: make one by `dirac-prodsys datasets show … --files --json`")
