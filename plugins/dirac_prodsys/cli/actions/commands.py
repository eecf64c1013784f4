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


def _option(kind: Any, words: str, default: Any, *flags: str, **more: Any) -> tuple[Any, Any]:
    """Return an option as a parameter of a command: its annotation and its default."""
    return Annotated[kind, typer.Option(*flags, help=words, **more)], default


_SHARED: dict[str, tuple[Any, Any]] = {
    "run": (Annotated[str, run_option("Run ID or tag, or a pattern; else all runs.")], ""),
    "steps": _option(list[str] | None, "Only this step; may be repeated.", None, "--step"),
    "states": _option(list[str] | None, "Only in this state; may be repeated.", None, "--state"),
    "reason": _option(str, "The reason, in one line; it is kept.", ""),
    "preview": _option(bool, "Show what would be done, and do nothing.", False, "--preview"),
    "digest": _option(str, "Digest of a preview: act without asking if a new one is equal.", ""),
    "yes": _option(bool, "Act without asking.", False, "--yes", "-y"),
    "force": _option(bool, "Also what we did not create, given by its name.", False, "--force"),
    "connection": _option(str, "Airflow's connection to the grid.", ""),
    "as_json": (AsJson, False),
    "airflow": _option(
        str, "Address of Airflow's API.", "http://localhost:8080", envvar="DIRAC_PRODSYS_AIRFLOW"
    ),
    "user": _option(str, "Airflow user.", "", envvar="DIRAC_PRODSYS_AIRFLOW_USER"),
    "wait": _option(float, "Seconds to follow the run; 0: do not wait.", 3600.0),
}

_ABOUT = (
    "It is a run of Airflow's DAG production_operations; the password or token comes from "
    "DIRAC_PRODSYS_AIRFLOW_PASSWORD or DIRAC_PRODSYS_AIRFLOW_TOKEN."
)


def add_actions(app: typer.Typer) -> None:
    """Add one subcommand for each action to the command."""
    for kind in ACTIONS.values():
        command, parts = kind.name.replace("_", "-"), [kind.does, _ABOUT]
        if kind.risky:
            parts.append("It cannot be undone: a preview comes first, and you confirm it.")
        app.command(
            command,
            help="\n\n".join(parts),
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
    value = VALUES[name]
    number: Any = int if value.integer else float
    keyword = inspect.Parameter.KEYWORD_ONLY
    if value.argument:
        argument = typer.Argument(metavar=value.argument, help=value.about)
        return inspect.Parameter(name, keyword, annotation=Annotated[number, argument])
    option = Annotated[number | None, typer.Option(help=value.about)]
    return inspect.Parameter(name, keyword, annotation=option, default=None)
