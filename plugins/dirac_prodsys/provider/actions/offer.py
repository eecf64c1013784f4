"""Offers, under Required Actions, to carry out a preview that was asked for on the form.

The answer counts as a run with ``preview`` off and the digest of this preview: the same rights, the
same reason and typed name, and each transformation checked again. Only the person who asked for the
preview may answer: the right to answer a question in Airflow is not the right to trigger
``production_operations``, and gives no permission to act.

Invariant: silence, and any answer that is not a clear yes of that person, touches nothing. A run
that was triggered without ``offer`` ends with its preview: scripts, which do not know the
parameter, do not wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput

from dirac_prodsys.core.actions.preview import Preview
from dirac_prodsys.core.actions.request import MAX_PATTERN, MAX_REASON, ActionRequest
from dirac_prodsys.core.run.approval import MAX_SUBJECT, code, quoted
from dirac_prodsys.provider.people.params import triggered_by

if TYPE_CHECKING:
    from airflow.sdk import Context

#: the parameter of the DAG that asks for an offer
OFFER = "offer"

CARRY_OUT, LEAVE = "Carry it out", "Leave it"
#: how long an offer is open; a run that waits counts as an active run
LAPSES = timedelta(minutes=30)

#: most lines of the preview that the question shows
_SHOWN = 60


def is_offered(context: Context, plan: Preview) -> bool:
    """Check whether there is something to do, and whoever triggered the run wants to be asked.

    The DAG parameter's default is for the form, which submits all parameters. Other ways of
    triggering give only what was written.
    """
    conf = getattr(context["dag_run"], "conf", None) or {}
    return bool(plan.acts) and conf.get(OFFER) is True and triggered_by(context) is not None


def offer(context: Context, request: ActionRequest, plan: Preview) -> NoReturn:
    """Ask, and wait.

    :raises TaskAwaitingInput: always.
    """
    from airflow.sdk.execution_time.hitl import upsert_hitl_detail

    instance: Any = context["ti"]
    upsert_hitl_detail(
        ti_id=instance.id,
        options=[CARRY_OUT, LEAVE],
        subject=f"{request.action}, {request.scope}?"[:MAX_SUBJECT],
        body=_question(context, request, plan),
        # Airflow shows this one as the first choice
        defaults=[LEAVE],
        params={name: param.serialize() for name, param in _form(request).items()},
    )
    kwargs = {"digest": plan.digest}
    raise TaskAwaitingInput(method_name="answered", kwargs=kwargs, timeout=LAPSES)


def accepted(context: Context, event: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """Return the values of a yes; they replace those with which the run was triggered.

    :param digest: digest of the preview that the question showed.
    :raises AirflowSkipException: the answer is no.
    :raises AirflowFailException: another person answered.
    """
    who = event.get("responded_by_user") or {}
    if list(event.get("chosen_options") or ()) != [CARRY_OUT]:
        by = f"{who.get('name')} leaves it" if who else "nobody answered in time"
        raise AirflowSkipException(f"{by}: nothing was touched")
    asked = triggered_by(context)
    if asked is None or asked not in (who.get("name"), who.get("id")):
        raise AirflowFailException(
            f"{who.get('name')} cannot carry out what {asked} asked for; nothing was touched\n"
            "  hint: trigger production_operations yourself"
        )
    answers = event.get("params_input") or {}
    given = {name: answers[name] for name in ("reason", "confirm") if answers.get(name)}
    return {**given, "preview": False, "digest": digest}


def _question(context: Context, request: ActionRequest, plan: Preview) -> str:
    lines = plan.to_text().splitlines()
    more = [f"… and {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
    minutes = LAPSES.total_seconds() / 60
    undone = " **This cannot be undone.**" if request.kind.risky else ""
    head = (
        f"{code(str(triggered_by(context)))} asked for this preview, and nobody else can carry it "
        f"out.{undone} Each transformation is looked at again right before. The offer lapses after "
        f"{minutes:g} minutes."
    )
    return f"{head}\n\n{quoted([*lines[:_SHOWN], *more])}"


def _form(request: ActionRequest) -> dict[str, Param]:
    """Return the fields that a yes must fill in because the request left them empty.

    A no fills in none.
    """
    form = {}
    if request.kind.risky or request.force:
        about = "Why, in one line; it is kept. Required to carry it out."
        form["reason"] = _text(request.reason, about, MAX_REASON)
    if request.needs_confirming:
        form["confirm"] = _text(
            "", f"To {request.action} this, type {request.production} here.", MAX_PATTERN
        )
    return form


def _text(value: str, about: str, longest: int) -> Param:
    """Return a field that may be left empty: otherwise Airflow would let nobody say no."""
    return Param(value, about, type=["string", "null"], maxLength=longest)
