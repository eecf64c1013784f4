"""Reports everything that is wrong with every file, in one pass, before it runs: lint.

Invariant: a file without an error here is accepted by the Dag bundle, because both read it by the
same code. Only mistakes between files (one name used twice) and against a grid are added here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import DEFINITION, exit_code, readable_errors
from dirac_prodsys.cli.files import production_files, sub_folder
from dirac_prodsys.cli.linting.formats import FORMATS, Format
from dirac_prodsys.cli.linting.many_files import check_file, check_files
from dirac_prodsys.cli.options.completion import files
from dirac_prodsys.cli.options.grid import Grid, tag_of, with_grid
from dirac_prodsys.cli.options.site import Bundle, SiteFile, allowed_by
from dirac_prodsys.core.text.wording import counted, first_of
from dirac_prodsys.errors import GatewayError, ProdsysError

if TYPE_CHECKING:
    from dirac_prodsys.core.proof import Report
    from dirac_prodsys.core.proof.findings import Finding
    from dirac_prodsys.core.site.file import Allowed

#: most files that are checked without a progress bar
_UNSEEN = 20


@with_grid
def lint(
    grid: Grid,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            exists=True,
            autocompletion=files,
            help="Production files, or folders of them.",
        ),
    ],
    output: Annotated[
        Format, typer.Option("--format", help="For people, programs, code scanning, or GitHub.")
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Show notes, too: what each link takes, how many jobs come."
        ),
    ] = False,
    site: SiteFile = None,
    bundle: Bundle = "",
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask a grid, too: fields, names, datasets, SEs, sites."),
    ] = False,
    run: Annotated[
        str,
        typer.Option("--run", metavar="RUN", help="With --live: the run to start, by ID or tag."),
    ] = "",
) -> None:
    """Check production files and report everything that is wrong with them."""
    found_files = production_files(paths)
    outage: ProdsysError | None = None
    with readable_errors():
        allowed = allowed_by(site, bundle)
        run = tag_of(run) if run else ""
    if live:
        reports, outage = _check_live(found_files, paths, grid, run, allowed)
    else:
        reports = _check(found_files, paths, allowed)
    apart = [sub_folder(file, paths) for file in found_files]
    found = _all_findings(reports, apart, verbose=verbose)
    output = "json" if as_json else output
    text = FORMATS[output](found)
    if text:
        typer.echo(text)
    if output == "text":
        typer.echo(_summary(len(found_files), found), err=True)
        if any(apart):
            typer.echo(_not_served(apart), err=True)
    if outage is not None:
        typer.echo(f"the grid could not be asked: {outage}", err=True)
        raise typer.Exit(exit_code(outage))
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(DEFINITION)


def _check(files: Sequence[Path], named: Sequence[Path], allowed: Allowed | None) -> list[Report]:
    with _progress(len(files)) as advance:
        reports = []
        for report in check_files(files, allowed, named):
            reports.append(report)
            advance()
        return reports


def _check_live(
    files: Sequence[Path],
    named: Sequence[Path],
    grid: Grid,
    run: str,
    allowed: Allowed | None,
) -> tuple[list[Report], ProdsysError | None]:
    """Return the reports of files and grid, and the outage that ended the questions, if any."""
    from dirac_prodsys.cli.linting.live import Live

    reports: list[Report] = []
    outage: ProdsysError | None = None
    live: Live | None = None
    with _progress(len(files)) as advance:
        for path in files:
            report, reading = check_file(path, allowed, named=path in named)
            if reading is not None and outage is None:
                try:
                    live = live or Live(grid.gateway(), run, allowed)
                    report = live.examine(report, reading)
                except GatewayError as error:
                    outage = error
            reports.append(report)
            advance()
    return reports, outage


def _all_findings(
    reports: Sequence[Report], apart: Sequence[Path | None], *, verbose: bool
) -> list[Finding]:
    """Return the findings of each file by itself, then among the others; file by file.

    :param apart: the sub-folder of each file; only files of one folder are served side by side.
    """
    from dirac_prodsys.core.proof import gates_between
    from dirac_prodsys.core.proof.clashes import clashes

    between: dict[str, list[Finding]] = {}
    # a good file keeps its name before a broken one that claims it
    in_rank = sorted(zip(reports, apart, strict=True), key=lambda one: one[0].broken)
    for folder in dict.fromkeys(apart):
        claims = (report.claims for report, where in in_rank if where == folder)
        for finding in clashes(claims):
            between.setdefault(finding.file, []).append(finding)
    waits = [report.waits for report, _ in in_rank if report.waits is not None]
    # one file alone, as an editor checks it, does not show what else there is
    for finding in gates_between.check(waits, all_files=len(reports) > 1):
        between.setdefault(finding.file, []).append(finding)
    found: list[Finding] = []
    for report in reports:
        found += sorted((*report.findings, *between.get(report.file, ())))
    return [f for f in dict.fromkeys(found) if verbose or f.severity != "note"]


def _summary(files: int, found: Iterable[Finding]) -> str:
    """Return how many files were checked, with how many errors and warnings; notes do not count."""
    number: Counter[str] = Counter()
    for finding in found:
        number[finding.severity] += finding.stands_for
    errors, warnings = (counted(number[one], one) for one in ("error", "warning"))
    return f"{counted(files, 'file')} checked, {errors}, {warnings}"


def _not_served(apart: Iterable[Path | None]) -> str:
    folders = Counter(folder for folder in apart if folder is not None)
    return (
        f"{folders.total()} of them are in sub-folders, which the bundle of a folder does not "
        f"serve: {first_of([str(folder) for folder in sorted(folders)], 10)}"
    )


@contextmanager
def _progress(files: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error, if a person sees it and there are many files."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or files <= _UNSEEN:
        yield lambda: None
        return
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("checking", total=files)
        yield lambda: bar.advance(task)
