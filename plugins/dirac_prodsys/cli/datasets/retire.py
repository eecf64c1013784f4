"""Removes a dataset that nobody reads any more: ``dirac-prodsys datasets retire``.

Invariant: no file is removed, and no dataset that a production of the folder or a transformation
that is not over still reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.datasets.asking import agreed
from dirac_prodsys.cli.datasets.names import Dataset, full_path
from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.history.opening import LedgerUrl
from dirac_prodsys.cli.options.completion import files
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@with_grid
def retire(
    grid: Grid,
    dataset: Dataset,
    folders: Annotated[
        list[Path] | None,
        typer.Option(
            "--folder",
            exists=True,
            autocompletion=files,
            help="Production files that may read it; else include/productions, if it is there.",
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    as_json: AsJson = False,
    ledger: LedgerUrl = "",
) -> None:
    """Remove a dataset from the catalogue, unless somebody still reads it; its files stay.

    Readers are the productions of the folders, by name, and transformations that are not over and
    whose input query takes only its files. Where there is a ledger, it learns that the dataset was
    retired, also if somebody else removed it before.
    """
    from dirac_prodsys.cli.history.retiring import record_retired
    from dirac_prodsys.core.text.wording import counted
    from dirac_prodsys.gateway.procedures import dataset_changes
    from dirac_prodsys.gateway.procedures.dataset_reports import find

    with readable_errors():
        gateway = grid.gateway()
        name = full_path(gateway, dataset)
        gone = not preview and gateway.find_dataset(name) is None
        if gone and record_retired(ledger, name):
            _report_gone(name, as_json=as_json)
            return
        record = find(gateway, name)
        readers = list(_readers(_folders(folders), name))
        there = dataset_changes.reading_transformations(gateway, record)
        dataset_changes.refuse_readers(record, [*readers, *there])
        if not preview:
            words = f"{name}, {counted(record.files, 'file')}: its files stay. Remove the dataset?"
            if not yes and (as_json or not agreed(words)):
                refuse("nothing was removed")
            dataset_changes.retire_dataset(gateway, name, readers)
            record_retired(ledger, name)
    if as_json:
        print_json({"dataset": name, "files": record.files, "removed": not preview})
    else:
        verb = "would be removed" if preview else "is removed"
        typer.echo(f"{name} {verb}; {counted(record.files, 'file')} stay in the catalogue")


def _report_gone(name: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"dataset": name, "files": 0, "removed": False})
    else:
        typer.echo(f"{name} is not in the catalogue any more; the ledger has it as retired")


def _folders(given: Sequence[Path] | None) -> list[Path]:
    usual = Path("include/productions")
    return list(given) if given else [usual] if usual.is_dir() else []


def _readers(paths: Sequence[Path], dataset: str) -> Iterator[str]:
    """Yield the steps of production files that read a dataset; a wrong file is a reader, too."""
    from dirac_prodsys.cli.files import production_files, read_production
    from dirac_prodsys.core.plan.compile import compile as compile_plan
    from dirac_prodsys.core.plan.dataset_readers import ANY_RUN, readers_in
    from dirac_prodsys.errors import DefinitionErrors

    for path in production_files(paths):
        try:
            production = read_production(path)
            plan = compile_plan(production, run=ANY_RUN)
        except DefinitionErrors:
            yield f"{path} has mistakes, so that nobody knows what it reads"
            continue
        yield from readers_in(production, plan, dataset)
