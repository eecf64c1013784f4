"""Rehearses productions: ``python -m sandbox.rehearsal FILE…``; see ``dirac-prodsys rehearse``.

Invariant: when it has ended, nothing runs, whatever happened or interrupted it. Its files are kept
on request, or if they are needed to see what went wrong.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path

import typer
from rich.console import Console

from dirac_prodsys.cli.exits import RUN, readable_errors
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.options import rehearsal as on
from dirac_prodsys.cli.options.files import Datasets, Parameters
from dirac_prodsys.cli.options.run_values import dataset_queries, parameter_values
from dirac_prodsys.core.rehearsal.report import RehearsalReport
from dirac_prodsys.core.rehearsal.report_text import as_text
from dirac_prodsys.errors import ProdsysError
from sandbox.errors import SandboxError, raise_when_told_to_end
from sandbox.rehearsal.site import Part, RehearsalSite
from sandbox.rehearsal.view import View

#: columns if the output goes to no terminal
_WIDTH = 160


def rehearse(
    files: on.Files,
    tasks: on.Tasks = 6,
    inputs: on.Inputs = 6,
    profile: on.Profile = "auto",
    parameters: Parameters = None,
    datasets: Datasets = None,
    timeout: on.Timeout = 3600.0,
    keep: on.Keep = False,
    as_json: on.AsJson = False,
) -> None:
    """Run productions on a grid of their own, with jobs that only write small files."""
    raise_when_told_to_end()
    console = Console(stderr=True)
    console = console if console.is_terminal else Console(stderr=True, width=_WIDTH)
    with readable_errors():
        queries = dataset_queries(datasets)
        parts = []
        for file in files:
            written = read_production(file)
            values = parameter_values(written, parameters or ())
            parts.append(Part.of(written, tasks, values, queries))
    place = Path(tempfile.mkdtemp(prefix="dirac-rehearsal-"))
    began, good = time.monotonic(), False

    def say(message: str) -> None:
        seconds = time.monotonic() - began
        console.print(f"{seconds:6.1f} s  {message}", markup=False, highlight=False)

    try:
        site = RehearsalSite(place, parts, _profile(profile, parts), files=inputs, say=say)
        with site, View(console) as view:
            reports = site.rehearse(view.show, timeout=timeout)
        good = not any(report.findings for report in reports)
        _tell(reports, as_json=as_json)
    except (SandboxError, ProdsysError) as error:
        console.print(f"rehearsal: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("interrupted; everything is stopped", style="yellow")
        raise typer.Exit(130) from None
    finally:
        if keep or not good:
            console.print(f"logs and data: {place}", markup=False, soft_wrap=True)
        else:
            shutil.rmtree(place, ignore_errors=True)
    if not good:
        raise typer.Exit(RUN)


def _profile(wanted: str, parts: list[Part]) -> str:
    if wanted != "auto":
        return wanted
    return "data" if any(part.moves_files for part in parts) else "light"


def _tell(reports: list[RehearsalReport], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"rehearsals": [r.to_dict() for r in reports]}, indent=2))
    else:
        typer.echo("\n".join(as_text(r) for r in reports), nl=False)


if __name__ == "__main__":
    typer.run(rehearse)
