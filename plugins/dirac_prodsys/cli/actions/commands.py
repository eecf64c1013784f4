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
from dirac_prodsys.core.actions.kinds import ACTIONS, VALUES, ActionKind

_NAME = Annotated[
    str, typer.Argument(metavar="NAME", help="Production, or a pattern with * and ?.")
]

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
        command = kind.name.replace("_", "-")
        app.command(
            command,
            help=words.strip(),
            short_help=kind.does,
            rich_help_panel="On running productions, by Airflow",
            epilog=f"Example: dirac-prodsys {command} {kind.example}",
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
    parameters += [_parameter_for(name) for name in kind.takes]
    parameters += [
        inspect.Parameter(name, keyword, annotation=annotation, default=default)
        for name, (annotation, default) in _SHARED.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__name__ = kind.name
    return command


def _parameter_for(name: str) -> inspect.Parameter:
    """Return the argument or option for a value that an action takes."""
    value = VALUES[name]
    number: Any = int if value.whole else float
    keyword = inspect.Parameter.KEYWORD_ONLY
    if value.argument:
        argument = typer.Argument(metavar=value.argument, help=value.about)
        return inspect.Parameter(name, keyword, annotation=Annotated[number, argument])
    option = Annotated[number | None, typer.Option(help=value.about)]
    return inspect.Parameter(name, keyword, annotation=option, default=None)
