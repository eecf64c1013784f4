"""Runs the real DAG of a production on a separate grid, as a test: ``dirac-prodsys rehearse``.

The grid and the Airflow of a rehearsal come with the repository and not with the package, so this
command starts them as a separate program.

Invariant: wrong files are reported before anything is started, and nothing runs when this command
has ended, whatever way it ends.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.options import rehearsal as on
from dirac_prodsys.cli.options.files import Datasets, Parameters
from dirac_prodsys.cli.options.run_values import parameter_values
from dirac_prodsys.cli.options.site import Bundle, SiteFile, allowed_by

if TYPE_CHECKING:
    from dirac_prodsys.core.production.production import Production
    from dirac_prodsys.core.site.file import Limits

#: the module that is started in the checkout
PROGRAM = "sandbox.rehearsal"

#: modules that it needs -> the extra that brings them
_NEEDS = {"airflow": "airflow", "DIRAC": "sandbox", "MySQLdb": "sandbox", "psutil": "sandbox"}

#: seconds that it has to stop its processes when it gets a signal to end
_GOODBYE = 120.0


def rehearse(
    files: on.Files,
    tasks: on.Tasks = 6,
    inputs: on.Inputs = 6,
    profile: on.Profile = "auto",
    parameters: Parameters = None,
    datasets: Datasets = None,
    site: SiteFile = None,
    bundle: Bundle = "",
    timeout: on.Timeout = 3600.0,
    keep: on.Keep = False,
    as_json: on.AsJson = False,
) -> None:
    """Run productions on a sandbox grid, with jobs that only write small files, and report.

    Several files run side by side. Exit code 4: a link fed nothing, or a step did not end.
    """
    with readable_errors():
        allowed = allowed_by(site, bundle)
        for file in files:
            production = read_production(file)
            if allowed is not None:
                _demand_allowed(production, allowed.limits, parameters)
    checkout = _checkout()
    if checkout is None:
        typer.echo(
            "rehearse: this installation has no sandbox\n"
            "  hint: a rehearsal runs in a checkout of the repository: `make setup` there, then "
            ".venv/bin/dirac-prodsys rehearse FILE",
            err=True,
        )
        raise typer.Exit(1)
    if extras := sorted({e for m, e in _NEEDS.items() if importlib.util.find_spec(m) is None}):
        typer.echo(
            f"rehearse: a part of the sandbox is not installed in {sys.prefix}\n"
            f"  hint: `make setup` in {checkout}, then {checkout}/.venv/bin/dirac-prodsys rehearse "
            f"FILE; or: pip install '{checkout}[{','.join(extras)}]'",
            err=True,
        )
        raise typer.Exit(1)
    arguments: list[Any] = ["--tasks", tasks, "--files", inputs, "--profile", profile]
    arguments += [part for given in parameters or () for part in ("--parameters", given)]
    arguments += ["--datasets", datasets.resolve()] if datasets else []
    arguments += ["--timeout", timeout, *["--keep"] * keep, *["--json"] * as_json]
    arguments += ["--", *(file.resolve() for file in files)]
    code = _run([sys.executable, "-m", PROGRAM, *map(str, arguments)], checkout)
    if code:
        raise typer.Exit(code)


def _demand_allowed(
    production: Production, limits: Limits, parameters: Sequence[str] | None
) -> None:
    from dirac_prodsys.core.plan.compile import compile as compile_plan
    from dirac_prodsys.core.site.limits import demand

    chosen = production.bind(parameter_values(production, parameters)) if parameters else production
    demand(chosen, compile_plan(chosen, run="rehearsal"), limits)


def _checkout() -> Path | None:
    """Return the repository folder from which this package is used, or the current folder's."""
    repository = Path(__file__).resolve().parents[3]
    places = (repository, Path.cwd())
    return next(
        (p for p in places if (p / "sandbox" / "rehearsal" / "__main__.py").is_file()), None
    )


def _run(command: Sequence[str], folder: Path) -> int:
    """Run the program to its end; pass signals on to it, so that it stops what it has started.

    :returns: its exit code; 128 and the signal's number if a signal ended it, as shells say it.
    """
    child = subprocess.Popen(command, cwd=folder)

    def hand_on(number: int, _frame: object) -> None:
        child.send_signal(number)

    old = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    # Ctrl-C reaches all that the terminal runs, and so the child too
    old[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
        return code if code >= 0 else 128 - code
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait(_GOODBYE)
        for number, handler in old.items():
            signal.signal(number, handler)
