"""Prints the table of datasets, for a production, a campaign or all: ``dirac-prodsys summary``.

Invariant: read-only; only the ledger is asked. A file is replaced when its new text is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dirac_prodsys.cli.history.opening import LedgerUrl, opened
from dirac_prodsys.cli.tables import AsJson
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.record import Record
    from dirac_prodsys.core.reports.summary.columns import Column
    from dirac_prodsys.core.reports.summary.row import SummaryRow

Form = Literal["table", "markdown", "csv", "json", "html"]


def summary(
    production: Annotated[
        str, typer.Argument(metavar="[PRODUCTION]", help="Datasets of this production; else all.")
    ] = "",
    campaign: Annotated[str, typer.Option(help="Datasets of this campaign.")] = "",
    form: Annotated[Form, typer.Option("--format", help="Form of the table.")] = "table",
    community: Annotated[str, typer.Option(help="With the columns of this community.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; else standard output.")
    ] = None,
    as_json: AsJson = False,
    ledger: LedgerUrl = "",
) -> None:
    """Show one row a dataset: what it was when it was made, and what it is now, with comments."""
    from dirac_prodsys.core.reports.summary.rows import summary_rows
    from dirac_prodsys.ledger.history import plot_records, summary_records
    from dirac_prodsys.ledger.store import Search

    wanted: Form = "json" if as_json else form
    drawn: list[Record] = []
    with opened(ledger) as book:
        columns = _columns(community)
        search = Search(production=production, campaign=campaign)
        rows = summary_rows(summary_records(book, search), production=production, campaign=campaign)
        if not rows and (production or campaign):
            raise NotFound(
                f"the ledger knows no dataset of {production or campaign}",
                "`dirac-prodsys history list` lists the productions that it knows",
            )
        if wanted == "html":
            drawn = list(plot_records(book, search))
    if wanted == "table" and output is None:
        _show(rows, columns)
        return
    text = _text(wanted, production or campaign or "Datasets", rows, columns, drawn)
    if output is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    unfinished = output.with_name(f"{output.name}.unfinished")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(output)
    typer.echo(f"{len(rows)} rows in {output}", err=True)


def _columns(community: str) -> Sequence[Column]:
    from dirac_prodsys.core.community import community_of
    from dirac_prodsys.core.reports.summary.columns import COLUMNS

    if not community:
        return COLUMNS
    found = community_of(community)
    columns: Sequence[Column] = found.offered(found.summary_columns)
    return columns


def _text(
    form: Form,
    title: str,
    rows: Sequence[SummaryRow],
    columns: Sequence[Column],
    drawn: Sequence[Record],
) -> str:
    from dirac_prodsys.core.reports.summary import forms
    from dirac_prodsys.core.reports.summary.page import to_html

    if form == "json":
        return forms.to_json(rows)
    if form == "html":
        return to_html(title, rows, drawn, datetime.now(UTC), columns)
    return forms.to_csv(rows, columns) if form == "csv" else forms.to_markdown(rows, columns)


def _show(rows: Sequence[SummaryRow], columns: Sequence[Column]) -> None:
    from dirac_prodsys.cli.tables import plain_table, unwrapped_console
    from dirac_prodsys.core.reports.summary.forms import table

    if not rows:
        typer.echo("the ledger knows no dataset", err=True)
        return
    console = unwrapped_console()
    head, body = table(rows, columns)
    lines: list[list[Any]] = [list(line) for line in body]
    console.print(plain_table(head, lines, console.width))
