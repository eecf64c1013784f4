"""Writes a person's words about a dataset or a step: ``dirac-prodsys history comment``.

Invariant: nothing is overwritten: the newest comment counts, and older ones stay in the ledger.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.history.opening import opened
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.records import CommentRecord
    from dirac_prodsys.ledger.store import Ledger


def comment(
    context: typer.Context,
    about: Annotated[
        str,
        typer.Argument(metavar="ABOUT", help="Path of a dataset, PRODUCTION or PRODUCTION/STEP."),
    ],
    text: Annotated[str, typer.Argument(help="The comment; '' withdraws the one before.")],
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="Of this run only.")] = "",
    by: Annotated[str, typer.Option(help="Who writes it; default: the user of this shell.")] = "",
) -> None:
    """Write a comment, which the summary shows."""
    with opened(context.obj) as ledger:
        record = _record(ledger, about, text, run, by or getpass.getuser())
        ledger.write([record])
    typer.echo(f"written about {about}", err=True)


def _record(ledger: Ledger, about: str, text: str, run: str, by: str) -> CommentRecord:
    """Return the record.

    :raises NotFound: the ledger knows nothing of that name.
    """
    from dirac_prodsys.core.naming import run_tag
    from dirac_prodsys.core.reports.ledger.records import CommentRecord
    from dirac_prodsys.ledger.store import Search

    now = datetime.now(UTC)
    for known in ledger.find(Search(("dataset", "summary", "step"))):
        if known.to_dict().get("dataset") == about:
            return CommentRecord(at=now, vo=known.vo, dataset=about, text=text, by=by)
    production, _, step = about.partition("/")
    tag = run_tag(run) if run else ""
    found = ledger.first(Search(("step",), production=production, run=tag, step=step))
    if found is None:
        raise NotFound(
            f"the ledger knows no dataset and no step {about}",
            "`dirac-prodsys summary` shows the datasets, `dirac-prodsys history list` productions",
        )
    return CommentRecord(
        at=now, vo=found.vo, production=production, run=tag, step=step, text=text, by=by
    )
