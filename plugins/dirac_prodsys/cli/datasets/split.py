"""Divides a dataset into subsets such as train and test: ``dirac-prodsys datasets split``.

Invariant: shows first how many files each subset gets, and writes only if somebody agrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.datasets.asking import agreed
from dirac_prodsys.cli.datasets.names import Dataset, full_path
from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json

if TYPE_CHECKING:
    from dirac_prodsys.gateway.procedures.dataset_changes import Division


@with_grid
def split(
    grid: Grid,
    dataset: Dataset,
    subsets: Annotated[
        list[str],
        typer.Argument(metavar="SUBSET=SHARE...", help="Such as train=8 test=2."),
    ],
    field: Annotated[
        str, typer.Option(help="Metadata field of files that gets the name of the subset.")
    ] = "split",
    by: Annotated[
        str,
        typer.Option(metavar="FIELD", help="Keep files with one value of this field together."),
    ] = "",
    salt: Annotated[str, typer.Option(help="Another text gives another division.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Divide the files of a dataset, and make the datasets DATASET_SUBSET.

    A hash of each file's name decides, so that the same command divides the same files the same
    way, and files that come later move none. The subset is written into the metadata of the file.
    """
    from dirac_prodsys.core.grid.subsets import read_subsets
    from dirac_prodsys.gateway.procedures.dataset_changes import divide_dataset, plan_division

    with readable_errors():
        wanted = read_subsets(subsets)
        gateway = grid.gateway()
        name = full_path(gateway, dataset)
        division = plan_division(gateway, name, wanted, field, by=by, salt=salt)
        if not as_json:
            _show(division)
        if not preview:
            if not yes and (as_json or not agreed("Write this?")):
                refuse("nothing was written")
            divide_dataset(gateway, division)
    if as_json:
        rows = [
            {"subset": subset, "dataset": division.names[subset], "files": size}
            for subset, size in division.sizes.items()
        ]
        data = {"dataset": division.record.name, "field": field, "by": by, "salt": salt}
        print_json({**data, "subsets": rows, "made": not preview})


def _show(division: Division) -> None:
    from dirac_prodsys.cli.tables import plain_table, unwrapped_console

    total = len(division.subset_of)
    rows = [
        [subset, f"{size:,}", f"{100 * size / total:.1f} %", division.names[subset]]
        for subset, size in division.sizes.items()
    ]
    console = unwrapped_console()
    head = [division.field, "Files", "Share", "Dataset"]
    console.print(plain_table(head, rows, console.width))
