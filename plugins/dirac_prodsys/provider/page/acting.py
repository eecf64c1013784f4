"""Triggers runs of ``production_operations`` for a user, and follows them.

Invariant: what is done is what the user could do by triggering the Dag: the same parameters, the
same checks there, the user's name on the run. A request is checked before a run begins; what cannot
be undone needs the digest of a preview, a reason, and the name typed.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, cast
from urllib.parse import quote

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
from airflow.exceptions import ParamValidationError
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.actions.request import ActionRequest, read_request
from dirac_prodsys.core.naming import name_parts
from dirac_prodsys.core.reports.page.answers.actions import (
    ActionAnswer,
    ActionBody,
    CarryOutBody,
    OutcomeLine,
    OutcomeView,
    PreviewLine,
    PreviewView,
    Started,
)
from dirac_prodsys.core.reports.page.answers.common import Link, Sources
from dirac_prodsys.core.reports.page.answers.production import ActionRun
from dirac_prodsys.core.reports.page.offers import after
from dirac_prodsys.core.reports.summary.columns import sizes
from dirac_prodsys.errors import DefinitionError, NotFound

#: runs of the Dag that are looked through for those of a production, and of these, those shown
_SEARCHED, _SHOWN = 200, 20

_OVER = (DagRunState.SUCCESS, DagRunState.FAILED)


def request_of(dag_id: str, run: str, connection: str, body: ActionBody) -> ActionRequest:
    """Return the request, checked.

    :raises DefinitionErrors: what is wrong with it.
    """
    return read_request(_conf(dag_id, run, connection, body))


def trigger(dag_id: str, run: str, connection: str, body: ActionBody, user: Any) -> Started:
    """Begin a run of the Dag in the name of a user.

    :raises DefinitionErrors: the request is wrong; :raises NotFound: Airflow does not have the Dag.
    """
    request = request_of(dag_id, run, connection, body)
    words = "preview" if request.preview else request.action
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    run_id = f"{words}-{stamp}-{secrets.token_hex(3)}"
    note = f"{'preview of ' if request.preview else ''}{request.action}, {request.scope}"
    with create_session() as session:
        model = session.scalar(
            select(DagModel).where(DagModel.dag_id == DAG_ID, ~DagModel.is_stale)
        )
        dag = (
            None
            if model is None
            else create_dag_bag().get_latest_version_of_dag(DAG_ID, session=session)
        )
        if dag is None:
            raise NotFound(
                f"this Airflow has no Dag {DAG_ID}", "see docs/how-to/act-on-productions.md"
            )
        asked = TriggerDAGRunPostBody(
            dag_run_id=run_id,
            logical_date=None,
            conf=_conf(dag_id, run, connection, body),
            note=note[:1000],
        )
        try:
            given = asked.validate_context(dag)
            made = dag.create_dagrun(
                run_id=given["run_id"],
                logical_date=given["logical_date"],
                data_interval=given["data_interval"],
                run_after=given["run_after"],
                conf=given["conf"],
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=user.get_name(),
                state=DagRunState.QUEUED,
                session=session,
            )
        except (ParamValidationError, ValueError) as error:
            raise DefinitionError(f"Airflow refuses it: {error}", "correct the request") from None
        made.note = (note[:1000], user.get_id())
    return Started(
        run_id=run_id,
        follow=f"/api/dags/{quote(dag_id, safe='')}/actions/{run_id}",
        page=_page(run_id),
    )


def follow(dag_id: str, run_id: str, sources: Sources) -> ActionAnswer:
    """Return how far a run of the Dag is.

    :raises NotFound: there is none for this production.
    """
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == DAG_ID, DagRun.run_id == run_id))
        conf = {} if run is None else run.conf or {}
        if run is None or conf.get("production") != dag_id:
            raise NotFound(f"no action {run_id[:80]!r} on {dag_id[:80]!r} is known", "")
        keys = ("return_value", "outcome", "problem")
        found = {
            (task, key): value
            for task, key, value in session.execute(
                select(XComModel.task_id, XComModel.key, XComModel.value).where(
                    XComModel.dag_run_id == run.id, XComModel.key.in_(keys)
                )
            )
        }
        state = str(run.state)
        asks = session.scalar(
            select(TaskInstance.id).where(
                TaskInstance.dag_id == DAG_ID,
                TaskInstance.run_id == run_id,
                TaskInstance.state == "awaiting_input",
            )
        )
        by, began = run.triggering_user_name or "", run.start_date
    preview, action = found.get(("preview", "return_value")), str(conf.get("action", ""))
    outcome = found.get(("act", "outcome")) or found.get(("act", "return_value"))
    problem = found.get(("act", "problem")) or found.get(("preview", "problem")) or ""
    request = _shown_request(conf)
    return ActionAnswer(
        run_id=run_id,
        dag_id=dag_id,
        action=action,
        by=by,
        reason=str(conf.get("reason") or ""),
        state=cast(Any, state),
        over=state in _OVER or asks is not None,
        preview=None if not preview else preview_view(preview, request),
        outcome=None if not outcome or conf.get("preview") is not False else _outcome(outcome),
        problem=str(problem),
        began=began,
        page=_page(run_id),
        links=(Link(title="Run in Airflow", href=_page(run_id)),),
        sources=sources,
    )


def last_runs(dag_id: str) -> tuple[ActionRun, ...]:
    """Return the last actions on a production, the newest first."""
    with create_session() as session:
        runs = session.execute(
            select(
                DagRun.run_id,
                DagRun.conf,
                DagRun.state,
                DagRun.triggering_user_name,
                DagRun.start_date,
            )
            .where(DagRun.dag_id == DAG_ID)
            .order_by(DagRun.id.desc())
            .limit(_SEARCHED)
        ).all()
    found = []
    for run_id, conf, state, by, began in runs:
        if not isinstance(conf, dict) or conf.get("production") != dag_id:
            continue
        request = _shown_request(conf)
        found.append(
            ActionRun(
                run_id=run_id,
                action=str(conf.get("action") or ""),
                scope="" if request is None else request.scope,
                by=by or "",
                reason=str(conf.get("reason") or ""),
                preview=conf.get("preview") is not False,
                state=cast(Any, str(state)),
                began=began,
                page=_page(run_id),
            )
        )
    return tuple(found[:_SHOWN])


def preview_view(found: dict[str, Any], request: ActionRequest | None) -> PreviewView:
    """Return a preview as the page shows it."""
    from dirac_prodsys.core.actions.preview import Preview

    known = {name: found[name] for name in ("action", "scope", "rows", "left_out", "digest")}
    made = Preview.from_dict(known)
    known_sizes = [row.bytes for row in made.acts if row.bytes is not None]
    return PreviewView(
        summary=made.summary(),
        digest=made.digest,
        touches=len(made.acts),
        files=sum(row.files for row in made.acts),
        bytes=sum(known_sizes) if known_sizes else None,
        rows=tuple(
            PreviewLine(
                id=row.id,
                name=row.name,
                step=_step(row.name),
                status=row.status,
                answer=row.answer,
                why=row.why,
                tasks=row.tasks,
                files=row.files,
                bytes=row.bytes,
                size_words="unknown" if row.bytes is None else sizes([row.bytes]),
            )
            for row in made.rows
        ),
        left_out=made.left_out,
        after=after(made.action),
        needs_reason=request is not None and request.kind.risky,
        type_to_confirm=(
            request.production if request is not None and request.needs_confirming else ""
        ),
    )


def _conf(dag_id: str, run: str, connection: str, body: ActionBody) -> dict[str, Any]:
    carries_out = isinstance(body, CarryOutBody)
    asked: dict[str, Any] = {
        "action": body.action,
        "production": dag_id,
        "run": run,
        "steps": list(body.steps),
        "tasks": body.tasks,
        "events": body.events,
        "group_size": body.group_size,
        "reason": body.reason,
        "preview": not carries_out,
        "digest": body.digest if isinstance(body, CarryOutBody) else "",
        "confirm": body.confirm if isinstance(body, CarryOutBody) else "",
        "connection": connection,
    }
    return {name: value for name, value in asked.items() if value not in (None, "", [])}


def _shown_request(conf: dict[str, Any]) -> ActionRequest | None:
    """Return the request of a run, for its words; None: it is none."""
    known = {name: value for name, value in conf.items() if name != "offer"}
    try:
        return read_request({**known, "preview": True})
    except Exception:  # a run that was triggered with anything
        return None


def _outcome(found: dict[str, Any]) -> OutcomeView:
    from dirac_prodsys.core.actions.outcome import ActionOutcome

    made = ActionOutcome.from_dict(found)
    return OutcomeView(
        summary=made.summary(),
        good=made.good,
        rows=tuple(
            OutcomeLine(
                id=one.id,
                name=one.name,
                step=_step(one.name),
                was=one.was,
                result=one.word,
                why=one.why,
            )
            for one in made.results
        ),
    )


def _step(name: str) -> str:
    parts = name_parts(name)
    return "" if parts is None else parts.step


def _page(run_id: str) -> str:
    return f"/dags/{DAG_ID}/runs/{quote(run_id, safe='')}"
