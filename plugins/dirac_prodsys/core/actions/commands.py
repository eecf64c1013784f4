"""Writes the commands that carry out a preview, ready to be copied.

They contain the preview's digest: they do what the preview shows, or nothing. A required reason
that was not given is left out: then the commands are refused with that message.

Invariant: a shell reads them as exactly the request, letter by letter.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from dirac_prodsys.core.actions.kinds import VALUES
from dirac_prodsys.core.actions.request import ActionRequest

#: the DAG that carries them out
DAG_ID = "production_operations"


def to_carry_out(request: ActionRequest, digest: str) -> list[str]:
    """Return one command for Airflow, and one for our command line.

    :param digest: digest of the preview.
    """
    conf = json.dumps(_conf(request, digest), ensure_ascii=False)
    airflow = ["airflow", "dags", "trigger", DAG_ID, "--conf", conf]
    return [shlex.join(airflow), shlex.join(_ours(request, digest))]


def _conf(request: ActionRequest, digest: str) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "action": request.action,
        "production": request.production,
        "run": request.run,
        "steps": list(request.steps),
        "states": list(request.states),
        **request.values,
        "reason": request.reason,
        "confirm": request.production if request.needs_confirming else "",
        "force": request.force,
        "connection": request.connection,
    }
    given = {name: value for name, value in asked.items() if value not in (None, "", [], False)}
    return {**given, "preview": False, "digest": digest}


def _ours(request: ActionRequest, digest: str) -> list[str]:
    words = ["dirac-prodsys", request.action.replace("_", "-"), request.production]
    given = {name: _number(value) for name, value in request.values.items()}
    words += [given.pop(name) for name in [*given] if VALUES[name].argument]
    for option, value in (
        ("--run", request.run),
        *((f"--{name.replace('_', '-')}", value) for name, value in given.items()),
        ("--reason", request.reason),
        ("--connection", request.connection),
        ("--digest", digest),
    ):
        words += [option, value] if value else []
    for option, values in (("--step", request.steps), ("--state", request.states)):
        for value in values:
            words += [option, value]
    return [*words, *(["--force"] if request.force else [])]


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)
