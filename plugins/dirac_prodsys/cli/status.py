"""Shows what the grid says about transformations now: ``dirac-prodsys status``.

Invariant: read-only. States and counts are what the gateway's snapshot says, without a verdict;
the ledger adds only how far each was before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.history.opening import LedgerUrl
from dirac_prodsys.cli.history.recalling import Recalling
from dirac_prodsys.cli.options.files import run_option
from dirac_prodsys.cli.options.grid import Grid, plan_of, with_grid
from dirac_prodsys.cli.options.meant_names import File, Meant, Names, listed, meant
from dirac_prodsys.cli.tables import AsJson, print_json
from dirac_prodsys.cli.watching import Look, picture, watch
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.core.reports.status_progress import Past
    from dirac_prodsys.gateway.protocol import ProductionGateway


@with_grid
def status(
    grid: Grid,
    names: Names = None,
    file: File = None,
    run: Annotated[
        str, run_option("This run: its ID or tag, or a pattern; else the runs that are not over.")
    ] = "",
    steps: Annotated[
        list[str] | None,
        typer.Option("--step", metavar="STEP", help="Only this step or pattern; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    watched: Annotated[
        bool, typer.Option("--watch", help="Look again and again until all are over, or Ctrl-C.")
    ] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 10.0,
    ledger: LedgerUrl = "",
) -> None:
    """Show state and counts of transformations: of productions, of one run, or by name.

    Without a name: all productions, one line a run. Of a production, the runs are shown that are
    not over; if all are, the newest. Where there is a ledger, it says when each is done. Patterns
    are quoted: 'gamma*' means productions, 'gamma__*__merge', with __, names of transformations.
    """
    from dirac_prodsys.core.reports.meant import Filters

    if watched and as_json:
        refuse("status: --watch draws again and again, --json prints once: use one")
    with readable_errors():
        gateway = grid.gateway()
        filters = Filters(run, tuple(steps or ()))
        looks = _Looks(gateway, names or [], file, filters, ledger)
        if watched:
            watch(looks, every)
            return
        seen = looks(frozenset())
    if as_json:
        _print_as_json(seen)
    else:
        show(seen)
    for note in seen.notes:
        typer.echo(note, err=True)


class _Looks:
    """Looks at what is named, and remembers what it saw.

    :param names: none, and no file: all productions, a row a run.
    """

    def __init__(
        self,
        gateway: ProductionGateway,
        names: Sequence[str],
        file: Path | None,
        filters: Filters,
        ledger: str,
    ) -> None:
        self.gateway, self.file, self.filters, self.ledger = gateway, file, filters, ledger
        self.by_run = not names and file is None
        self.names = ["*"] if self.by_run else names
        self.past: Past | None = None
        self.trouble = ""
        self.recalling = Recalling(ledger)

    def __call__(self, runs: frozenset[tuple[str, str]], /) -> Look:
        from dirac_prodsys.cli.history.past import past_of

        if self.by_run and not listed(self.gateway, []):
            return Look((), by_run=True)
        try:
            seen = look(self.gateway, self.names, self.file, self.filters, runs, self.recalling)
        except NotFound:
            seen = self._from_ledger()
            if not seen.rows:
                raise
        if self.past is None:
            self.past, self.trouble = past_of(self.ledger, seen.rows)
        found = with_progress(seen, self.past, time.time())
        notes = (*found.notes, self.trouble) if self.trouble else found.notes
        return replace(found, by_run=self.by_run, notes=notes)

    def _from_ledger(self) -> Look:
        """Return what the ledger has of the names; without rows: not of all of them."""
        from dirac_prodsys.core.reports.ledger.recalled import REMARK, snapshot_of
        from dirac_prodsys.core.reports.status_view import status_rows

        if self.file is not None or self.by_run:
            return Look(())
        known = self.recalling.named(self.names, self.filters)
        return Look(tuple(status_rows(map(snapshot_of, known))), notes=(REMARK,))


def _print_as_json(seen: Look) -> None:
    from dirac_prodsys.core.reports.status_progress import by_transformation

    progress = by_transformation(seen.overviews)
    rows = []
    for row in seen.rows:
        own = progress.get(row.snapshot.id)
        rows.append({**row.to_dict(), "progress": None if own is None else own.to_dict()})
    print_json({"transformations": rows, "runs": [run.to_dict() for run in seen.overviews]})


def look(
    gateway: ProductionGateway,
    names: Sequence[str],
    file: Path | None,
    filters: Filters,
    runs: frozenset[tuple[str, str]] = frozenset(),
    recalling: Recalling | None = None,
) -> Look:
    """Look once at all that is named, and keep its order.

    :param runs: runs that an earlier look found: they are shown again, even when they are over.
    :param recalling: knows what the grid has forgotten; None: nobody does.
    :raises NotFound: something does not exist; nothing is shown then, lest it look complete.
    """
    from dirac_prodsys.core.reports.ledger.recalled import recalled_snapshot
    from dirac_prodsys.core.reports.status_view import status_rows

    found = meant(gateway, names, replace(filters, runs=runs)) if names else Meant({})
    notes = [f"{found.over} runs that are over are not shown: --run '*' shows all"]
    notes = notes if found.over else []
    ids = dict.fromkeys(found.names)
    if file is not None:
        ids |= _by_file(gateway, file, filters, notes)
    snapshots = gateway.snapshot(list(ids))
    known = {} if recalling is None else recalling.of(snapshots.values())
    if known:
        notes.append(f"counts of {len(known)} that are Archived are those of the ledger")
    if recalling is not None and recalling.trouble:
        notes.append(recalling.trouble)
    rows = status_rows(
        recalled_snapshot(snapshots[number], known.get(number))
        for number in ids
        if number in snapshots
    )
    return Look(tuple(rows), found.runs, tuple(notes))


def show(seen: Look) -> None:
    """Print a look as a table, states and counts verbatim; with bars for a person."""
    from dirac_prodsys.cli.tables import unwrapped_console

    console = unwrapped_console()
    if not seen.rows:
        typer.echo("the grid has no run of any production", err=True)
        return
    bare = replace(seen, notes=())
    console.print(picture(bare, "", console.width, bars=console.is_terminal))


def with_progress(seen: Look, past: Past, now: float) -> Look:
    """Add how far each run is, and learn from the look.

    :param now: seconds since the epoch.
    """
    from dirac_prodsys.core.reports.status_progress import overviews

    past.look(seen.rows, now)
    found = tuple(overviews(seen.rows, past, now))
    return replace(seen, overviews=found, forecasts=past.known, at=now)


def _by_file(
    gateway: ProductionGateway, file: Path, filters: Filters, notes: list[str]
) -> dict[int, None]:
    """Return the IDs of the steps of a file, in its order; ``notes`` gets the missing steps."""
    from dirac_prodsys.gateway.procedures.fresh_starts import find_newest

    plan = plan_of(gateway, file, filters.run)
    wanted = {step.transformation.name: step.name for step in plan.steps if filters.fits(step.name)}
    records = find_newest(gateway, list(wanted))
    if not records:
        raise NotFound(
            f"no such transformation: {', '.join(wanted) or ', '.join(filters.steps)}",
            f"`dirac-prodsys runs {plan.production}` lists the runs that the grid has",
        )
    missing = [step for name, step in wanted.items() if name not in records]
    if missing:
        notes.append(f"not made: {', '.join(missing)}")
    return dict.fromkeys(records[name].id for name in wanted if name in records)
