"""Lists the datasets of a folder: ``dirac-prodsys datasets list``.

Invariant: read-only; a few calls, however many datasets there are. Numbers are those that the
catalogue last counted.
"""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.datasets.names import default_folder
from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json

if TYPE_CHECKING:
    from dirac_prodsys.gateway.records import DatasetRecord


@with_grid
def list_(
    grid: Grid,
    pattern: Annotated[
        str,
        typer.Argument(metavar="[PATTERN]", help="Last part of the names, with * and ?; else all."),
    ] = "*",
    folder: Annotated[
        str, typer.Option(metavar="DIRECTORY", help="Folder of the catalogue; else /VO/datasets.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the datasets of a folder and of the folders below it, with files and bytes.

    Numbers are those that the catalogue last counted: for a frozen one, when it was frozen.
    """
    with readable_errors():
        gateway = grid.gateway()
        found = [
            record
            for record in gateway.list_datasets(folder or default_folder(gateway))
            if fnmatchcase(record.name.rpartition("/")[2], pattern)
        ]
    if as_json:
        left_out = ("adopted", "counted")
        rows = [
            {key: value for key, value in asdict(one).items() if key not in left_out}
            for one in found
        ]
        print_json({"datasets": rows})
    elif not found:
        typer.echo("there is no such dataset", err=True)
    else:
        _show(found)


def _show(found: list[DatasetRecord]) -> None:
    from dirac_prodsys.cli.tables import plain_table, shown_of_grid, unwrapped_console
    from dirac_prodsys.core.reports.dataset_content import in_bytes

    rows = [
        [
            one.name,
            f"{one.files:,}",
            in_bytes(one.size),
            "frozen" if one.frozen else "not frozen",
            shown_of_grid(one.created),
            one.annotation or "-",
        ]
        for one in found
    ]
    files, size = sum(one.files for one in found), sum(one.size for one in found)
    rows.append(["Total", f"{files:,}", in_bytes(size), "", "", ""])
    console = unwrapped_console()
    head = ["Dataset", "Files", "Size", "State", "Made", "Annotation"]
    console.print(plain_table(head, rows, console.width))
