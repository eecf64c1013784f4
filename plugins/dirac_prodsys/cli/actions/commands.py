"""Makes a subcommand for each action from the table of actions: all have the same options.

Invariant: what one action takes, its command takes; nothing here decides anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from dirac_prodsys.cli.actions.act import Access, act
from dirac_prodsys.cli.options.files import run_option
from dirac_prodsys.cli.tables import AsJson
from dirac_prodsys.core.actions.kinds import ACTIONS, ActionKind

_NAME = Annotated[
    str, typer.Argument(metavar="NAME", help="Production, or a pattern with * and ?.")
]
_SIZE = Annotated[
    float, typer.Argument(metavar="SIZE", help="Files of a task to come; GB for plugin BySize.")
]

_NUMBERS: dict[str, tuple[Any, Any]] = {
    "tasks": (Annotated[int | None, typer.Option(help="Tasks to add to each.")], None),
    "events": (Annotated[int | None, typer.Option(help="The same, as events.")], None),
}
_SHARED: dict[str, tuple[Any, Any]] = {
    "run": (Annotated[str, run_option("Run ID or tag, or a pattern; else all runs.")], ""),
    "steps": (Annotated[list[str] | None, typer.Option("--step", help="Only this step…")], None),
    "states": (Annotated[list[str] | None, typer.Option("--state", help="Only if it is…")], None),
    "reason": (Annotated[str, typer.Option(help="Why, in one line; it is kept.")], ""),
    "preview": (Annotated[bool, typer.Option("--preview", help="Tell, and touch nothing.")], False),
    "digest": (
        Annotated[str, typer.Option(help="Of a preview: act, unasked, if it would tell the same.")],
        "",
    ),
    "yes": (Annotated[bool, typer.Option("--yes", "-y", help="Act without asking.")], False),
    "force": (
        Annotated[bool, typer.Option("--force", help="Also what we did not create, by its name.")],
        False,
    ),
    "connection": (Annotated[str, typer.Option(help="Airflow's connection to the grid.")], ""),
    "as_json": (AsJson, False),
    "airflow": (
        Annotated[
            str, typer.Option(envvar="DIRAC_PRODSYS_AIRFLOW", help="Address of Airflow's API.")
        ],
        "http://localhost:8080",
    ),
    "user": (
        Annotated[str, typer.Option(envvar="DIRAC_PRODSYS_AIRFLOW_USER", help="Airflow user.")],
        "",
    ),
    "wait": (
        Annotated[float, typer.Option(help="Seconds to follow the run; 0: do not.")],
        3600.0,
    ),
}

_EXAMPLES = {
    "start": "start bands --run night-7 --step merge",
    "stop": 'stop bands --reason "storage is down"',
    "resume": "resume 'bands*' --state Stopped",
    "flush": "flush bands --step merge",
    "complete": 'complete bands --run night-7 --reason "enough statistics"',
    "extend": "extend bands --run night-7 --step slices --tasks 50",
    "set_group_size": "set-group-size bands 10 --step merge",
    "clean": 'clean bands --run night-7 --reason "wrong calibration"',
    "delete": 'delete bands --run night-7 --reason "cleaned, not needed"',
}

_ABOUT = (
    "It is a run of Airflow's DAG production_operations; the password or token comes from "
    "DIRAC_PRODSYS_AIRFLOW_PASSWORD or DIRAC_PRODSYS_AIRFLOW_TOKEN."
)


def add_actions(app: typer.Typer) -> None:
    """Add one subcommand for each action to the command."""
    for kind in ACTIONS.values():
        words = "\n\n".join(
            [
                kind.does,
                _ABOUT,
                "What cannot be undone is previewed first, and asked for." if kind.risky else "",
            ]
        )
        app.command(
            kind.name.replace("_", "-"),
            help=words.strip(),
            short_help=kind.does,
            rich_help_panel="On running productions, by Airflow",
            epilog=f"Example: dirac-prodsys {_EXAMPLES[kind.name]}",
        )(_command(kind))


def _command(kind: ActionKind) -> Callable[..., None]:
    def command(**given: Any) -> None:
        access = Access(given.pop("airflow"), given.pop("user"), given.pop("wait"))
        flags = {name: given.pop(name) for name in ("preview", "yes", "as_json")}
        conf = {name: value for name, value in given.items() if value not in (None, "", [])}
        act({"action": kind.name, **conf}, access, **flags)

    # typer reads the options from the signature
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("production", keyword, annotation=_NAME)]
    if "group_size" in kind.takes:
        parameters.append(inspect.Parameter("group_size", keyword, annotation=_SIZE))
    own = {name: _NUMBERS[name] for name in kind.takes if name in _NUMBERS}
    parameters += [
        inspect.Parameter(name, keyword, annotation=annotation, default=default)
        for name, (annotation, default) in {**own, **_SHARED}.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__name__ = kind.name
    return command
