"""Shows what a dataset holds: ``dirac-prodsys datasets show``.

Invariant: read-only. Files are counted one by one, so that a dataset that takes only some files of
a directory is counted right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.datasets.names import Dataset, full_path
from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json, shown_of_grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dirac_prodsys.core.reports.dataset_content import DatasetContent
    from dirac_prodsys.gateway.protocol import ProductionGateway


@with_grid
def show(
    grid: Grid,
    dataset: Dataset,
    by: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help="Metadata field of files to count by; else the run number of the community.",
        ),
    ] = "",
    files: Annotated[bool, typer.Option("--files", help="List every file, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show files and bytes of a dataset, by storage element and by run, and what is missing."""
    from dirac_prodsys.gateway.procedures.dataset_reports import content_of

    with readable_errors():
        gateway = grid.gateway()
        name = full_path(gateway, dataset)
        content, known = content_of(gateway, name, by or _run_field(gateway))
    if as_json:
        print_json(content.to_dict(files=known if files else None))
        return
    _show(content)
    if files:
        for lfn in content.lfns:
            one = known[lfn]
            typer.echo(f"{lfn}  {one.size}  {one.checksum or '-'}  {', '.join(one.places) or '-'}")


def _run_field(gateway: ProductionGateway) -> str:
    """Return the field of run numbers that the catalogue has; empty: none of a community."""
    from dirac_prodsys.core.community import communities

    known = gateway.inventory().file_fields
    fields = (one.run_field for one in communities())
    return next((field for field in fields if field in known), "")


def _show(content: DatasetContent) -> None:
    from dirac_prodsys.cli.tables import plain_table, unwrapped_console
    from dirac_prodsys.core.reports.dataset_content import in_bytes

    console = unwrapped_console()
    for label, words in _facts(content):
        typer.echo(f"{label:<11} {words}")
    shares = [("Storage", content.places)]
    if content.by is not None and content.by.shares:
        shares.append((content.by.field, content.by.shares))
    for head, found in shares:
        rows = [[one.what, f"{one.files:,}", in_bytes(one.size)] for one in found]
        if rows:
            typer.echo("")
            console.print(plain_table([head, "Files", "Size"], rows, console.width))


def _facts(content: DatasetContent) -> Iterator[tuple[str, str]]:
    from dirac_prodsys.core.query.meta_query import MetaQuery
    from dirac_prodsys.core.reports.dataset_content import in_bytes, shown
    from dirac_prodsys.core.text.wording import counted

    yield "dataset", f"{content.name}, {'frozen' if content.frozen else 'not frozen'}"
    yield "files", f"{content.files:,}, {in_bytes(content.size)}"
    yield "query", str(MetaQuery.from_dirac(content.query))
    if content.owner or content.created:
        when = shown_of_grid(content.created) if content.created else "at an unknown time"
        yield "made", f"{when} by {content.owner or '-'}"
    if content.annotation:
        yield "annotation", content.annotation
    if content.missing:
        yield "missing", f"{counted(content.missing, 'file')} of {content.counted:,}; see verify"
    if content.without_replica:
        yield "no replica", shown(content.without_replica)
    if content.by is not None and content.by.gaps:
        yield "gaps", f"{content.by.field} {shown(content.by.gaps)}"
    if content.by is not None and content.by.shares and content.by.without:
        yield "", f"{counted(content.by.without, 'file')} without {content.by.field}"
