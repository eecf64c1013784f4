"""Runs people's actions through Airflow's DAG for them: ``dirac-prodsys stop | start | …``.

The command touches no grid. It asks Airflow, which knows who may act, keeps a record, and goes on
when the terminal is closed.

Invariant: an action that cannot be undone is previewed first, and done only if it is still what the
preview showed.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from dirac_prodsys.cli.exits import RUN, readable_errors, refuse
from dirac_prodsys.cli.tables import print_json
from dirac_prodsys.core.actions.kinds import ACTIONS

if TYPE_CHECKING:
    from dirac_prodsys.cli.actions.airflow_rest import AirflowRest
    from dirac_prodsys.core.actions.request import ActionRequest

DAG = "production_operations"

#: seconds between two looks at a run, and for which Airflow may be away meanwhile
LOOK_EACH, PATIENCE = 0.5, 300.0


@dataclass(frozen=True)
class Access:
    """The address of Airflow, and the user.

    :param wait: seconds to follow a run; 0: do not wait for it.
    """

    url: str
    user: str
    wait: float


@dataclass(frozen=True)
class Ended:
    """A run that has been followed to its end; without a state, it goes on."""

    run: str
    page: str
    state: str
    preview: Mapping[str, Any] | None
    outcome: Mapping[str, Any] | None
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))


def act(conf: dict[str, Any], access: Access, *, preview: bool, yes: bool, as_json: bool) -> None:
    """Ask for an action, follow it, and report the result.

    :param conf: the DAG's parameters, without ``preview`` and ``confirm``.
    """
    from dirac_prodsys.cli.actions.airflow_rest import is_local
    from dirac_prodsys.core.actions.request import read_request

    kind = ACTIONS[conf["action"]]
    with readable_errors():
        request = read_request({**conf, "preview": True})
        confirm = request.production if request.needs_confirming else ""
        real = {**conf, "preview": False, "confirm": confirm}
        if not preview and (yes or not on_terminal()):
            read_request(real)  # refuse a missing reason before waiting for a preview
        if access.url.startswith("http://") and not is_local(access.url):
            typer.echo(f"warning: {access.url} is not encrypted", err=True)
        with session(access) as airflow:
            digest, reason = request.digest, request.reason
            if preview or (kind.risky and not yes and not digest):
                previewed = _follow(airflow, conf | {"preview": True}, request, access.wait)
                if preview or previewed.state != "success" or not _touches(previewed):
                    raise typer.Exit(_tell(previewed, as_json))
                _tell(previewed, as_json, err=True)
                _consent(request)
                reason = reason or typer.prompt("Why", err=True)
                digest = str((previewed.preview or {}).get("digest", ""))
            final = {**real, "digest": digest, "reason": reason}
            checked = read_request(final)
            ended = _follow(airflow, final, checked, access.wait)
    raise typer.Exit(_tell(ended, as_json))


def _consent(request: ActionRequest) -> None:
    """Ask on the terminal; without one, do nothing."""
    if not on_terminal():
        refuse("nothing was touched: --yes does it without asking")
    if request.needs_confirming:
        typed = typer.prompt(f"Type {request.production} to {request.action} this", err=True)
        if typed.strip() != request.production:
            refuse("that is another name: nothing was touched")
    elif not typer.confirm(f"{request.action} this?", err=True):
        refuse("nothing was touched")


def on_terminal() -> bool:
    """Check whether somebody can be asked."""
    return sys.stdin.isatty()


def _follow(
    airflow: AirflowRest, conf: dict[str, Any], request: ActionRequest, wait: float
) -> Ended:
    """Start a run and follow it."""
    from dirac_prodsys.errors import GatewayUnavailable

    run = f"{request.action}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
    words = f"{'preview of ' if request.preview else ''}{request.action}, {request.scope}"
    airflow.trigger(DAG, run, conf, note=": ".join(filter(None, (words, request.reason))))
    page = airflow.page(DAG, run)
    typer.echo(f"{words}: {page}", err=True)
    last_answer = begin = time.monotonic()
    state, shown = "", ""
    while wait:
        try:
            state = str(airflow.run(DAG, run)["state"])
            tasks = airflow.task_states(DAG, run)
            last_answer = time.monotonic()
        except GatewayUnavailable:
            if time.monotonic() - last_answer > PATIENCE:
                raise
            tasks = {"Airflow": "does not answer, waiting"}
        if state in ("success", "failed"):
            break
        progress = ", ".join(f"{task} {word}" for task, word in sorted(tasks.items(), reverse=True))
        if progress != shown:
            typer.echo(f"  {progress}", err=True)
            shown = progress
        if time.monotonic() - begin > wait:
            typer.echo(f"it goes on after {wait:g} s; see {page}", err=True)
            return Ended(run, page, "", None, None, "")
        time.sleep(LOOK_EACH)
    if not wait:
        return Ended(run, page, "", None, None, "")
    problem = airflow.xcom(DAG, run, "act", "problem") or airflow.xcom(
        DAG, run, "preview", "problem"
    )
    return Ended(
        run,
        page,
        state,
        airflow.xcom(DAG, run, "preview", "return_value"),
        None if request.preview else airflow.xcom(DAG, run, "act", "outcome"),
        str(problem or ""),
    )


def _touches(ended: Ended) -> bool:
    return any(row["answer"] == "act" for row in (ended.preview or {}).get("rows", ()))


def _tell(ended: Ended, as_json: bool, *, err: bool = False) -> int:
    """Show a run's end; return the exit code.

    :param err: print it on standard error, as the answer follows on standard output.
    """
    from dirac_prodsys.core.actions.outcome import ActionOutcome
    from dirac_prodsys.core.actions.preview import Preview

    if as_json:
        if not err:
            print_json(ended.to_dict())
    elif ended.outcome is not None:
        typer.echo(ActionOutcome.from_dict(ended.outcome).to_text(), err=err)
    elif ended.preview is not None:
        names = ("by", "reason", "run")
        fields = {k: v for k, v in ended.preview.items() if k not in names}
        typer.echo(Preview.from_dict(fields).to_text(), err=err)
        # an Airflow with an older version of ours gives none
        for command in ended.preview.get("commands", ()) if not err else ():
            typer.echo(f"to carry this out: {command}", err=True)
    if ended.state != "failed":
        return 0
    typer.echo(ended.problem or f"the run failed; see {ended.page}", err=True)
    return RUN


def session(access: Access, *, ask: bool = True) -> AirflowRest:
    """Open a session; its password and token come from the environment or a prompt.

    They are no options, because everybody on the machine sees a command line.

    :param ask: ask for the password, on a terminal, if it is given nowhere.
    """
    from dirac_prodsys.cli.actions.airflow_rest import AirflowRest

    token = os.environ.get("DIRAC_PRODSYS_AIRFLOW_TOKEN", "")
    password = os.environ.get("DIRAC_PRODSYS_AIRFLOW_PASSWORD", "")
    if ask and access.user and not token and not password and on_terminal():
        password = typer.prompt(f"Airflow password of {access.user}", hide_input=True, err=True)
    return AirflowRest(access.url, user=access.user, password=password, token=token)
