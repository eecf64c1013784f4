"""Compares ledger, grid and catalogue: ``dirac-prodsys history sweep``.

Invariant: grid and catalogue are only read. A difference is recorded once, and shown each time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.history.opening import opened
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json, shown

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.drift import Book, Finding
    from dirac_prodsys.ledger.store import Ledger, Search

#: exit code when something differs
DIFFERS = 1


@with_grid
def sweep(
    grid: Grid,
    context: typer.Context,
    production: Annotated[
        str, typer.Argument(metavar="[PRODUCTION]", help="Of this production; else of all.")
    ] = "",
    campaign: Annotated[str, typer.Option(help="Productions of this campaign.")] = "",
    new: Annotated[
        bool, typer.Option("--new", help="Only what no sweep has found before.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Look up files of datasets only where their number differs."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find what differs from the ledger; exit code 1 if anything does.

    Files of datasets that went or changed, datasets that are gone or no longer frozen, and
    transformations that were stopped, ended, removed or deleted behind our back; of the VO of the
    proxy. What is found is recorded in the ledger.
    """
    from dirac_prodsys.core.reports.ledger.drift import still_differs
    from dirac_prodsys.gateway.procedures.sweeping import sweep as compare

    now = datetime.now(UTC)
    with opened(context.obj) as ledger:
        from dirac_prodsys.ledger.store import Search

        gateway = grid.gateway()
        vo = gateway.ping().vo
        search = Search(production=production, campaign=campaign)
        seen = compare(gateway, _book(ledger, search, vo), now, quick=quick)
        after = _book(ledger, search, vo) if seen.findings else None
        findings = [one for one in seen.findings if after and still_differs(one, after)]
        records = [one.record(now) for one in findings]
        since = _since(ledger, {one.key for one in records})
        ledger.write([*seen.learned, *records])
    pairs = list(zip(findings, (since.get(one.key) for one in records), strict=True))
    if new:
        pairs = [pair for pair in pairs if pair[1] is None]
    if as_json:
        compared = {"transformations": seen.transformations, "datasets": seen.datasets}
        drift = [_as_dict(*pair) for pair in pairs]
        print_json({"drift": drift, "compared": compared, "notes": list(seen.notes)})
    else:
        for finding, before in pairs:
            _show(finding, before)
        number = f"{seen.transformations:,} transformations, {seen.datasets:,} datasets"
        typer.echo(f"{len(pairs)} findings; compared: {number}", err=True)
        for note in seen.notes:
            typer.echo(note, err=True)
    if pairs:
        raise typer.Exit(DIFFERS)


def _book(ledger: Ledger, search: Search, vo: str) -> Book:
    from dirac_prodsys.core.reports.ledger.drift import book_of
    from dirac_prodsys.ledger.history import compared_records

    return book_of(one for one in compared_records(ledger, search) if one.vo in ("", vo))


def _since(ledger: Ledger, keys: set[str]) -> dict[str, datetime]:
    """Return when each of these records was written first; those that were not are absent."""
    from dirac_prodsys.ledger.store import Search

    found = ledger.find(Search(("drift",))) if keys else ()
    return {one.key: one.at for one in found if one.key in keys}


def _as_dict(finding: Finding, before: datetime | None) -> dict[str, Any]:
    return {**finding.to_dict(), "since": None if before is None else before.isoformat()}


def _show(finding: Finding, before: datetime | None) -> None:
    known = f" (known since {shown(before)})" if before is not None else ""
    typer.echo(f"{finding.subject}: {finding.text}{known}")
    typer.echo(f"  to do: {finding.to_do}")
