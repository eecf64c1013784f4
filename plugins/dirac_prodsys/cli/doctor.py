"""Finds what is wrong with a grid and an Airflow: ``dirac-prodsys doctor``.

Invariant: read-only, and never a traceback for what is wrong out there: an outage is one of the
findings. All is reported in one run.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.options.completion import files
from dirac_prodsys.cli.options.grid import Grid, with_grid
from dirac_prodsys.cli.tables import AsJson, print_json
from dirac_prodsys.core.text.wording import counted, one_line
from dirac_prodsys.errors import GatewayRejected

if TYPE_CHECKING:
    from dirac_prodsys.core.doctor.check import Diagnosis
    from dirac_prodsys.core.doctor.facts import AirflowFacts, Component, Facts, GridFacts, Missing
    from dirac_prodsys.core.grid.inventory import Inventory
    from dirac_prodsys.core.plan.subject import Subject

#: exit code when something stops productions
STOPS = 1
#: most seconds of one question: who asks wants to know now
_MOST = 20.0
#: seconds that an Airflow may take to start and say how it is set up
_AIRFLOW = 120.0
#: the program that reads the facts of an Airflow, in a process of its own
_PROGRAM = "dirac_prodsys.provider.deployment.airflow_facts"
#: findings of ``lint --live`` that checks of doctor make as well
_CHECKED_APART = frozenset({"undeclared-type", "unset-section"})
#: user and password in a URL
_CREDENTIALS = re.compile(r"://[^@\s]*@")
_HEALTH = "/api/v2/monitor/health"


class Part(StrEnum):
    """A part that is looked at by itself."""

    GRID = "grid"
    AIRFLOW = "airflow"


@with_grid
def doctor(
    grid: Grid,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            exists=True,
            autocompletion=files,
            help="Production files, or folders: the grid is checked for what they need.",
        ),
    ] = None,
    only: Annotated[
        Part | None, typer.Option("--only", help="Look at the grid only, or at Airflow only.")
    ] = None,
    connection: Annotated[
        str,
        typer.Option(
            "--connection", metavar="ID", help="Ask the grid as this connection of Airflow does."
        ),
    ] = "",
    airflow: Annotated[
        str,
        typer.Option(envvar="DIRAC_PRODSYS_AIRFLOW", help="Address of Airflow's API server."),
    ] = "",
    patience: Annotated[
        float,
        typer.Option(min=1, help="Seconds after which waiting work is held against an agent."),
    ] = 1800.0,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show notes and passed checks, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with the grid and with Airflow; exit code 1 if it stops productions.

    The grid is checked for the production files, and for the transformations that it has.
    """
    from dirac_prodsys.core.doctor import table
    from dirac_prodsys.core.doctor.check import examine

    with readable_errors():
        facts = _facts(grid, paths or [], only, connection, airflow, patience)
        checks = [] if only == Part.AIRFLOW else [*table.grid_checks()]
        checks += [] if only == Part.GRID else [*table.airflow_checks()]
        found = examine(facts, checks)
    if as_json:
        print_json({"diagnoses": [one.to_dict() for one in found]})
    else:
        _show(found, verbose=verbose)
        typer.echo(_summary(found), err=True)
    if any(one.stops for one in found):
        raise typer.Exit(STOPS)


def _facts(
    grid: Grid,
    paths: Sequence[Path],
    only: Part | None,
    connection: str,
    address: str,
    patience: float,
) -> Facts:
    from dirac_prodsys.core.doctor import needs
    from dirac_prodsys.core.doctor.facts import Facts, Missing

    airflow, settings = _airflow(connection, only, address)
    subjects = list(_subjects(paths))
    wanted = [needed for subject in subjects for needed in needs.of_plan(subject.plan)]
    if only == Part.AIRFLOW:
        return Facts(airflow=airflow, needs=tuple(wanted))
    if connection and settings is None:
        why = airflow.why if isinstance(airflow, Missing) else airflow.connection
        if only == Part.GRID or isinstance(airflow, Missing):  # else a check says it
            raise GatewayRejected(f"--connection {connection}: {why}", "name the grid by --config")
        return Facts(Missing(why), airflow, tuple(wanted))
    seen = _grid(grid, settings if connection else None, patience)
    lacks = () if isinstance(seen.inventory, Missing) else _lacks(subjects, seen.inventory)
    return Facts(seen, airflow, (*wanted, *needs.of_grid(seen)), tuple(lacks))


def _grid(grid: Grid, settings: dict[str, Any] | None, patience: float) -> GridFacts:
    """Return what is known of the grid.

    :param settings: of a connection; None: the options name the grid.
    """
    from dirac_prodsys.gateway import open_gateway
    from dirac_prodsys.gateway.procedures.examination import examine
    from dirac_prodsys.gateway.records import GatewaySettings

    # without a connection, it is not known how often agents work
    named = GatewaySettings(**(settings or {**vars(grid), "agent_cycle": 0.0}))
    return examine(open_gateway(replace(named, timeout=min(named.timeout, _MOST))), patience)


def _airflow(
    connection: str, only: Part | None, address: str
) -> tuple[AirflowFacts | Missing, dict[str, Any] | None]:
    """Return what is known of the Airflow here, and the settings of the connection."""
    from pydantic import TypeAdapter, ValidationError

    from dirac_prodsys.core.doctor.facts import AirflowFacts, Missing

    if only == Part.GRID and not connection:
        return Missing("it was not asked for"), None
    if importlib.util.find_spec("airflow") is None:
        return Missing("Airflow is not installed: pip install 'dirac-prodsys[airflow]'"), None
    if not _is_set_up():
        return Missing("no Airflow is set up here (AIRFLOW_HOME)"), None
    command = [sys.executable, "-m", _PROGRAM, *([connection] if connection else [])]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_AIRFLOW, check=False
        )
        answer = json.loads(done.stdout.splitlines()[-1])
        facts = TypeAdapter(AirflowFacts).validate_python(answer["facts"])
    except subprocess.TimeoutExpired:
        return Missing(f"Airflow did not start within {_AIRFLOW:g} s", outage=True), None
    except (ValueError, IndexError, KeyError, ValidationError):
        last = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        why = one_line(_CREDENTIALS.sub("://…@", last[0]))
        return Missing(f"Airflow does not start here: {why}", outage=True), None
    url = address or facts.options.get("api/base_url") or ""
    return replace(facts, components=_components(url)), answer["settings"]


def _is_set_up() -> bool:
    """Check whether this environment is that of an Airflow, not only one that has the package."""
    named = any(name.startswith("AIRFLOW_") for name in os.environ)
    return named or Path("~/airflow/airflow.cfg").expanduser().is_file()


def _components(url: str) -> dict[str, Component] | Missing:
    """Return the components of an Airflow by its health report, which needs no user."""
    import httpx

    from dirac_prodsys.cli.actions.airflow_rest import is_local
    from dirac_prodsys.core.doctor.facts import Component, Missing

    if not url:
        return Missing("the address of the API server is not known: --airflow URL")
    try:
        local = is_local(url)
        answer = httpx.get(f"{url.rstrip('/')}{_HEALTH}", timeout=_MOST, trust_env=not local)
        report: dict[str, dict[str, Any]] = answer.raise_for_status().json()
        return {name: _component(Component, name, health) for name, health in report.items()}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        return Missing(f"the API server {url} does not answer: {error}", outage=True)


def _component(kind: type[Component], name: str, health: dict[str, Any]) -> Component:
    heartbeat = health.get(f"latest_{name}_heartbeat") or ""
    return kind(str(health.get("status") or ""), str(heartbeat))


def _subjects(paths: Sequence[Path]) -> Iterator[Subject]:
    """Yield the productions of files; a file with mistakes is named and left to ``lint``."""
    from dirac_prodsys.cli.files import production_files, read_with_places
    from dirac_prodsys.core.plan.subject import Subject
    from dirac_prodsys.errors import DefinitionErrors

    for path in production_files(paths):
        try:
            production, reading = read_with_places(path)
        except DefinitionErrors:
            typer.echo(f"{path} has mistakes and is not looked at: dirac-prodsys lint", err=True)
            continue
        if reading.plan is not None:
            yield Subject(production, reading.plan)


def _lacks(subjects: Sequence[Subject], inventory: Inventory) -> Sequence[str]:
    """Return in words what the grid lacks for productions, unless a check of its own says it.

    What several files need is reported once.
    """
    from dirac_prodsys.core.proof import grid_lacks, in_words_of_the_file

    files: dict[str, dict[str, None]] = {}
    for one in subjects:
        problems = [p for p in grid_lacks.check(one, inventory) if p.code not in _CHECKED_APART]
        for problem in in_words_of_the_file(problems, one.plan):
            files.setdefault(problem.reason, {})[one.production.file] = None
    return [f"{reason}: {_first(list(needing))}" for reason, needing in files.items()]


def _first(names: Sequence[str]) -> str:
    """Name the first, and how many more there are."""
    more = f" and {counted(len(names) - 1, 'file')} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _show(found: Sequence[Diagnosis], *, verbose: bool) -> None:
    """Print a table: one line for each finding in a pipe, folded on a terminal."""
    from rich.text import Text

    from dirac_prodsys.cli.tables import plain_table, unwrapped_console

    rows = _rows(found, verbose=verbose)
    if not rows:
        return
    console = unwrapped_console()
    if not console.is_terminal:
        console.print(plain_table(["", "Check", "What", "Way out"], rows, console.width))
        return
    lines: list[list[str | Text]] = []
    for word, codes, what, way_out in rows:
        shown = f"{what} ({codes})\n→ {way_out}" if way_out else f"{what} ({codes})"
        lines.append([Text(word, style=_STYLES.get(word, "")), shown])
    console.print(plain_table(["", "What, and the way out"], lines, console.width))


#: checks that are named one by one where they were not seen for one reason
_NAMED = 3
_STYLES = {"error": "bold red", "warning": "yellow", "no answer": "magenta", "fine": "green"}
_RANK = ("error", "warning", "note", "no answer", "not seen", "fine")


def _rows(found: Sequence[Diagnosis], *, verbose: bool) -> list[tuple[str, str, str, str]]:
    """Return word, codes, what and way out of each line; one for each reason why not seen."""
    rows = []
    unseen: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.outcome == "found" and (verbose or one.severity != "note"):
            rows.append((str(one.severity), one.code, one.what, one.way_out))
        elif one.outcome == "passed" and verbose:
            rows.append(("fine", one.code, one.what, ""))
        elif one.outcome in ("no answer", "not seen"):
            unseen.setdefault((one.outcome, one.what), []).append(one.code)
    for (outcome, why), codes in unseen.items():
        named = verbose or len(codes) <= _NAMED
        rows.append((outcome, ", ".join(codes) if named else counted(len(codes), "check"), why, ""))
    return sorted(rows, key=lambda row: _RANK.index(row[0]))


def _summary(found: Sequence[Diagnosis]) -> str:
    words = [one.severity for one in found if one.outcome == "found"]
    outcomes = [one.outcome for one in found]
    parts = [counted(words.count(word), word) for word in ("error", "warning", "note")]
    if unanswered := outcomes.count("no answer"):
        parts.append(f"{unanswered} without an answer")
    if unseen := outcomes.count("not seen"):
        parts.append(f"{unseen} not seen")
    return f"{', '.join(parts)}, {outcomes.count('passed')} fine"
