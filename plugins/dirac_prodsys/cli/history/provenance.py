"""Writes how the datasets of a run came about: ``dirac-prodsys history provenance``.

Invariant: read-only; the same records give the same document.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dirac_prodsys.cli.exits import refuse
from dirac_prodsys.cli.history.opening import opened
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.record import Record
    from dirac_prodsys.ledger.store import Ledger

Form = Literal["prov-json", "ro-crate"]

#: what a crate says of the use of data where nobody says more
_ASK = "Not stated here; ask the virtual organisation that owns the data."


def provenance(
    context: typer.Context,
    production: Annotated[str, typer.Argument(metavar="PRODUCTION")],
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="Tag or ID of a run; else the newest.")
    ] = "",
    form: Annotated[
        Form, typer.Option("--format", help="One document, or a folder with what was run.")
    ] = "prov-json",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File, else standard output; folder of an RO-Crate."),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--files",
            metavar="LIST",
            help="Files of a dataset, by `datasets show --files --json`; for an RO-Crate.",
        ),
    ] = None,
    license_text: Annotated[
        str, typer.Option("--license", help="Terms of use of the data; for an RO-Crate.")
    ] = _ASK,
) -> None:
    """Write how what a run made came about, from the definition to the dataset."""
    from dirac_prodsys.cli.history.crate import prov_json, read_lists, write_crate
    from dirac_prodsys.core.reports.provenance import provenance as made_from
    from dirac_prodsys.core.reports.ro_crate import ro_crate

    if form == "ro-crate" and output is None:
        refuse("history provenance: an RO-Crate is a folder: name it with --output FOLDER")
    if form != "ro-crate" and files:
        refuse("history provenance: --files is for an RO-Crate: --format ro-crate")
    with opened(context.obj) as ledger:
        records = _records(ledger, production, run)
        found = made_from(records)
        text = prov_json(found)
        if form == "ro-crate" and output is not None:
            made = {name: one for name, one in found.things.items() if name.startswith("dataset")}
            lists = read_lists(files or (), [one.label for one in made.values()])
            crate = ro_crate(found, lists, license_text=license_text)
            inside = {**_inside(ledger, records, production), "provenance.json": text}
            things = len(crate.entities)
            write_crate(crate, inside, output)
            typer.echo(f"{things:,} things in {output}", err=True)
            return
    if output is None:
        typer.echo(text)
        return
    unfinished = output.with_name(f"{output.name}.unfinished")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(output)


def _records(ledger: Ledger, production: str, run: str) -> list[Record]:
    """Return the records of one run.

    :raises NotFound: the ledger knows none.
    """
    from dirac_prodsys.core.naming import run_tag
    from dirac_prodsys.core.reports.provenance import KINDS
    from dirac_prodsys.ledger.history import runs
    from dirac_prodsys.ledger.store import Search

    found = runs(ledger, Search(production=production, run=run_tag(run) if run else ""))
    if not found:
        raise NotFound(
            f"the ledger knows no run of {production}", "`dirac-prodsys history list` lists all"
        )
    own = list(ledger.find(Search(KINDS, production=production, run=found[0].run)))
    own += ledger.find(Search(("definition",), production=production, run=""))
    return sorted({one.key: one for one in own}.values(), key=lambda one: one.at)


def _inside(ledger: Ledger, records: list[Record], production: str) -> dict[str, str]:
    """Return the files of a crate: what was run, and the summary of what came of it."""
    from dirac_prodsys.core.reports.ledger.records import DefinitionRecord, PlanRecord, RunRecord
    from dirac_prodsys.core.reports.ro_crate import DEFINITION, PLAN
    from dirac_prodsys.core.reports.summary import forms
    from dirac_prodsys.core.reports.summary.rows import summary_rows
    from dirac_prodsys.ledger.history import summary_records
    from dirac_prodsys.ledger.store import Search

    runs = [one for one in records if isinstance(one, RunRecord)]
    plans = [one for one in records if isinstance(one, PlanRecord)]
    named = {*(one.definition for one in runs), *(one.definition for one in plans)}
    found: dict[str, str] = {}
    for one in records:
        if isinstance(one, DefinitionRecord) and runs and one.digest in named:
            found.setdefault(DEFINITION, one.text)
        elif isinstance(one, PlanRecord):
            found.setdefault(PLAN, json.dumps(one.plan, indent=1, sort_keys=True))
    search = Search(production=production)
    rows = summary_rows(summary_records(ledger, search), production=production)
    own = [row for row in rows if {one.run for one in runs} & set(row.runs)]
    return {**found, "summary.md": forms.to_markdown(own), "summary.json": forms.to_json(own)}
