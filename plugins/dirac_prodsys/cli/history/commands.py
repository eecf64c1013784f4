"""Defines the subcommands of ``dirac-prodsys history``.

Invariant: ``list``, ``show``, ``export`` and ``provenance`` only read; the others add to the
ledger, except for ``prune``, which removes nothing unless it is asked to with ``--yes``.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.exits import GATEWAY, refuse
from dirac_prodsys.cli.history.comment import comment
from dirac_prodsys.cli.history.opening import LedgerUrl, moment_of, opened
from dirac_prodsys.cli.history.provenance import provenance
from dirac_prodsys.cli.history.sweep import sweep
from dirac_prodsys.cli.history.taking_in import take_in
from dirac_prodsys.cli.options.help_examples import epilog
from dirac_prodsys.cli.tables import AsJson, print_json, shown
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.record import Record
    from dirac_prodsys.ledger.history import RunHistory, RunRow, StepHistory
    from dirac_prodsys.ledger.store import Ledger, Search

#: formats of an export
FORMS = ("json", "csv", "parquet")

history = typer.Typer(
    name="history", no_args_is_help=True, help="Show what productions did, from the ledger."
)

Production = Annotated[str, typer.Argument(metavar="[PRODUCTION]", help="Name of a production.")]
Run = Annotated[str, typer.Option("--run", metavar="RUN", help="Tag or ID of a run.")]
Campaign = Annotated[str, typer.Option("--campaign", help="Productions of this campaign.")]
Since = Annotated[str, typer.Option("--since", help="Since a day, or so many days: '90 days'.")]


@history.callback()
def where(context: typer.Context, ledger: LedgerUrl = "") -> None:
    """Show what productions did, from the ledger."""
    context.obj = ledger


@history.command("list", epilog=epilog("history list"))
def list_runs(
    context: typer.Context,
    production: Production = "",
    campaign: Campaign = "",
    since: Since = "",
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first: how they ended, when, and how many transformations they had."""
    with opened(context.obj) as ledger:
        from dirac_prodsys.ledger.history import runs

        rows = runs(ledger, _search(production, "", campaign, since))
    if as_json:
        print_json({"runs": [row.to_dict() for row in rows]})
    else:
        _table(("Production", "Run", "State", "Began", "Last", "Steps"), map(_run_cells, rows))


@history.command("show", epilog=epilog("history show"))
def show(
    context: typer.Context,
    production: Annotated[str, typer.Argument(metavar="PRODUCTION")],
    run: Run = "",
    jobs: Annotated[
        bool, typer.Option("--jobs", help="With the jobs of each by status, cause and site.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one run, else the newest: its transformations with last counts, and what happened."""
    with opened(context.obj) as ledger:
        from dirac_prodsys.ledger.history import run_history

        found = run_history(ledger, _search(production, _tag(ledger, production, run)))
        if found is None:
            named = f"{production}, run {run}" if run else production
            raise NotFound(
                f"the ledger knows no run of {named}", "`dirac-prodsys history list` lists all"
            )
    if as_json:
        print_json(found.to_dict())
    else:
        _print_run(found, jobs=jobs)


@history.command("export", epilog=epilog("history export"))
def export(
    context: typer.Context,
    production: Production = "",
    run: Run = "",
    campaign: Campaign = "",
    since: Since = "",
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="Only records of this kind; may be repeated.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="parquet, csv or json (lines).")] = "json",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; else standard output.")
    ] = None,
) -> None:
    """Write records for other programs, all or those that are meant."""
    if form not in FORMS:
        refuse(f"history export: --format {form}: known are {', '.join(FORMS)}")
    with opened(context.obj) as ledger:
        from dirac_prodsys.ledger.export import FORMATS

        tag = _tag(ledger, production, run)
        found = ledger.find(_search(production, tag, campaign, since, tuple(kinds or ())))
        if output is None:
            FORMATS[form](found, sys.stdout.buffer)
            return
        unfinished = output.with_name(f"{output.name}.unfinished")
        try:
            with unfinished.open("wb") as file:
                count = FORMATS[form](found, file)
            unfinished.replace(output)
        finally:
            unfinished.unlink(missing_ok=True)
    typer.echo(f"{count:,} records in {output}", err=True)


@history.command("prune", epilog=epilog("history prune"))
def prune(
    context: typer.Context,
    before: Annotated[
        str, typer.Option("--before", help="Remove what is older: a day, or '400 days'.")
    ] = "",
    thin: Annotated[
        bool, typer.Option("--thin", help="Keep of old counts one an hour, then one a day.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove; else only say what would be.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make room. What says how data came about stays: definitions, plans, runs, steps, datasets."""
    if not (before or thin):
        refuse("history prune: say what: --before DAY, --thin, or both")
    kinds: dict[str, int] = {}
    now = datetime.now(UTC)
    with opened(context.obj) as ledger:
        from dirac_prodsys.ledger.retention import old_records, superfluous_counts

        found = [old_records(ledger, moment_of(before, now))] if before else []
        found += [superfluous_counts(ledger, now)] if thin else []
        keys = dict.fromkeys(key for each in found for key in each.keys)
        for key in keys:
            kind = key.rpartition("-")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
        removed = ledger.remove(list(keys)) if yes else 0
    if as_json:
        print_json({"kinds": kinds, "removed": removed})
        return
    _table(("Kind", "Records"), ((kind, f"{n:,}") for kind, n in sorted(kinds.items())))
    typer.echo(
        f"{removed:,} records removed" if yes else f"{len(keys):,} records would go: --yes removes"
    )


@history.command("deliver", epilog=epilog("history deliver"))
def deliver(
    context: typer.Context,
    spool: Annotated[
        Path | None, typer.Option(help="Folder of the spool; default: in Airflow's home.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Deliver what waits in this machine's spool; tasks do so as well."""
    with opened(context.obj, makes=True) as ledger:
        from dirac_prodsys.ledger.delivery import deliver as carry
        from dirac_prodsys.ledger.places import spool_folder
        from dirac_prodsys.ledger.spool import Spool

        done = carry(Spool(spool or spool_folder()), ledger, seconds=float("inf"), pause=0)
    if as_json:
        print_json(vars(done))
    else:
        why = f": {done.why}" if done.why else ""
        typer.echo(f"{done.records:,} records delivered, {done.waiting} files wait{why}")
    if done.waiting:
        raise typer.Exit(GATEWAY)


history.command("comment", epilog=epilog("history comment"))(comment)
history.command("provenance", epilog=epilog("history provenance"))(provenance)
history.command("import", epilog=epilog("history import"))(take_in)
history.command("sweep", epilog=epilog("history sweep"))(sweep)


def _search(
    production: str,
    tag: str = "",
    campaign: str = "",
    since: str = "",
    kinds: tuple[str, ...] = (),
) -> Search:
    from dirac_prodsys.ledger.store import Search

    begin = moment_of(since, datetime.now(UTC)) if since else None
    return Search(kinds, production=production, run=tag, campaign=campaign, since=begin)


def _tag(ledger: Ledger, production: str, run: str) -> str:
    """Return the tag of the run that a person names by its tag or ID; empty: no run is named."""
    from dirac_prodsys.core.naming import tags_meant

    if not run:
        return ""
    likely = tags_meant(run)
    known = (tag for tag in likely if ledger.first(_search(production, tag)) is not None)
    return next(known, likely[0])


def _table(head: tuple[str, ...], rows: Any) -> None:
    from dirac_prodsys.cli.tables import plain_table, unwrapped_console

    console = unwrapped_console()
    console.print(plain_table(head, list(rows), console.width))


def _run_cells(row: RunRow) -> tuple[str, ...]:
    times = (shown(row.began), shown(row.last))
    return (row.production, row.run, row.state, *times, str(row.steps))


def _print_run(found: RunHistory, *, jobs: bool) -> None:
    from dirac_prodsys.core.reports.ledger.recalled import report_of
    from dirac_prodsys.core.text.wording import one_line, span

    row = found.row
    took = span((row.last - row.began).total_seconds())
    typer.echo(f"production {row.production}, run {row.run}: {row.state}, {took}")
    head = ("Step", "ID", "Type", "Status", "Files", "Tasks", "Stored", "Dataset")
    _table(head, map(_step_cells, found.steps))
    for each in found.steps if jobs else ():
        if each.jobs is not None:
            typer.echo(f"\n{report_of(each.jobs).to_text()}\n")
    _table(
        ("When", "What", "Step", "Words"),
        ((shown(each.at), each.kind, each.step, one_line(_words(each))) for each in found.story),
    )


def _step_cells(each: StepHistory) -> tuple[str, ...]:
    step, counts = each.step, each.counts
    files = _counted(counts.files) if counts else "-"
    tasks = _counted(counts.tasks) if counts else "-"
    datasets = ", ".join(f"{one.dataset}: {one.files} files" for one in each.datasets)
    status = counts.status_since if counts else "-"
    number = "-" if step.transformation is None else str(step.transformation)
    last = (_stored(each), datasets or step.dataset or "-")
    return (step.step, number, step.type, status, files, tasks, *last)


def _stored(each: StepHistory) -> str:
    """Write where the files of a step were."""
    from dirac_prodsys.core.reports.summary.columns import sizes

    elements = {} if each.storage is None else each.storage.elements
    places = (
        f"{name}: {one.files} files{'' if one.bytes is None else f', {sizes([one.bytes])}'}"
        for name, one in sorted(elements.items())
    )
    return "; ".join(places) or "-"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "-"


#: kind → the fields that say what happened, in the order in which people read them
_WORDS = {
    "run": ("state", "by", "reason"),
    "act": ("phase", "act", "reason"),
    "verdict": ("verdict", "reason", "alarm"),
    "action": ("by", "phase", "action", "result", "reason", "text"),
    "notice": ("notice", "text"),
    "event": ("word", "text"),
    "dataset": ("dataset", "files"),
    "comment": ("by", "text"),
    "drift": ("subject", "what", "recorded", "found", "text"),
}


def _words(record: Record) -> str:
    data = record.to_dict()
    return " ".join(str(data[name]) for name in _WORDS.get(record.kind, ()) if name in data)
