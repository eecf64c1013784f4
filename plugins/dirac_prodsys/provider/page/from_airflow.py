"""Reads what Airflow's database says of the runs of productions.

Invariant: read-only; the same few statements however many runs there are, and viewers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.models.dag import DagTag
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.reports.page.rows import AirflowRun, Question, group_of_task
from dirac_prodsys.core.reports.state_line import State

#: the tag that Dags of productions have
TAG = "production"
#: most runs that are read, the newest
_MOST = 20_000
#: key of the XCom in which a waiting task says how it stands
_STATE = "state"

#: states of a task that still waits
_WAITS = (
    TaskInstanceState.RUNNING,
    TaskInstanceState.DEFERRED,
    TaskInstanceState.UP_FOR_RETRY,
    TaskInstanceState.UP_FOR_RESCHEDULE,
    TaskInstanceState.AWAITING_INPUT,
    TaskInstanceState.QUEUED,
    TaskInstanceState.SCHEDULED,
)
_GOES_ON = (DagRunState.RUNNING, DagRunState.QUEUED)


@dataclass(frozen=True)
class Note:
    """The note of a run.

    :param dag_run: number of the run in Airflow's database.
    :param by: user; None: there is no note, or no one is named.
    """

    dag_run: int
    text: str | None
    by: str | None


@dataclass(frozen=True)
class Asked:
    """A question of a task, with all that an answer needs."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    subject: str
    body: str
    options: tuple[str, ...]
    defaults: tuple[str, ...]
    multiple: bool
    params: Mapping[str, Any]
    at: datetime
    assignees: tuple[str, ...] = ()


@dataclass(frozen=True)
class AirflowView:
    """What Airflow knows.

    :param dags: Dags of productions.
    :param runs: production and tag → run.
    """

    dags: frozenset[str] = frozenset()
    runs: Mapping[tuple[str, str], AirflowRun] = field(default_factory=dict)
    notes: Mapping[tuple[str, str], Note] = field(default_factory=dict)
    asked: tuple[Asked, ...] = ()


def look() -> AirflowView:
    """Return what Airflow knows now, by three statements in one session."""
    with create_session() as session:
        dags = {
            dag_id for (dag_id,) in session.execute(select(DagTag.dag_id).where(DagTag.name == TAG))
        }
        tagged = select(DagTag.dag_id).where(DagTag.name == TAG)
        runs = session.execute(
            select(
                DagRun.id,
                DagRun.dag_id,
                DagRun.run_id,
                DagRun.state,
                DagRun.triggering_user_name,
                DagRun.start_date,
                DagRun.end_date,
                DagRunNote.content,
                DagRunNote.user_id,
            )
            .outerjoin(DagRunNote, DagRunNote.dag_run_id == DagRun.id)
            .where(DagRun.dag_id.in_(tagged))
            .order_by(DagRun.id.desc())
            .limit(_MOST)
        ).all()
        waiting = session.execute(
            select(
                TaskInstance.dag_id,
                TaskInstance.run_id,
                TaskInstance.task_id,
                TaskInstance.map_index,
                XComModel.value,
                HITLDetail,
            )
            .join(DagRun, TaskInstance.dag_run)
            .outerjoin(
                XComModel,
                (XComModel.dag_run_id == DagRun.id)
                & (XComModel.task_id == TaskInstance.task_id)
                & (XComModel.map_index == TaskInstance.map_index)
                & (XComModel.key == _STATE),
            )
            .outerjoin(
                HITLDetail,
                (HITLDetail.ti_id == TaskInstance.id) & HITLDetail.responded_at.is_(None),
            )
            .where(
                DagRun.dag_id.in_(tagged),
                DagRun.state.in_(_GOES_ON),
                TaskInstance.state.in_(_WAITS),
            )
        ).all()
        return _view(dags, runs, [tuple(one) for one in waiting])


def _view(dags: set[str], runs: Any, waiting: list[tuple[Any, ...]]) -> AirflowView:
    said: dict[tuple[str, str], dict[str, State]] = defaultdict(dict)
    asked: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    for dag_id, run_id, task_id, map_index, value, question in waiting:
        place = dag_id, run_id
        state = State.from_dict(value) if isinstance(value, dict) else None
        if state is not None:
            said[place][group_of_task(task_id)] = state
        if question is not None:
            asked[place].append(_asked(dag_id, run_id, task_id, map_index, question))
    found, notes = {}, {}
    for number, dag_id, run_id, state, owner, began, ended, note, noted_by in reversed(runs):
        key, place = (dag_id, run_tag(run_id)), (dag_id, run_id)
        found[key] = AirflowRun(
            dag_id=dag_id,
            run_id=run_id,
            state=str(state),
            owner=owner or "",
            began=began,
            ended=ended,
            note=note or "",
            said=said.get(place, {}),
            questions=tuple(Question(q.subject, q.at, q.task_id) for q in asked.get(place, ())),
        )
        notes[key] = Note(number, note, noted_by)
    every = tuple(one for some in asked.values() for one in some)
    return AirflowView(frozenset(dags), found, notes, every)


def _asked(dag_id: str, run_id: str, task_id: str, map_index: int, question: HITLDetail) -> Asked:
    return Asked(
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        subject=question.subject,
        body=question.body or "",
        options=tuple(question.options or ()),
        defaults=tuple(question.defaults or ()),
        multiple=bool(question.multiple),
        params=dict(question.params or {}),
        at=question.created_at,
        assignees=tuple(str(one.get("id")) for one in question.assignees or ()),
    )
