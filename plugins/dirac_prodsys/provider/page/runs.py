"""Finds a run, and what surrounds it for the user who looks.

Invariant: a run that the user may not read is not found by any name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import HTTPException, Request

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.naming import tags_meant
from dirac_prodsys.core.reports.page.answers.common import Link
from dirac_prodsys.core.reports.page.answers.production import QuestionView, Rights
from dirac_prodsys.core.reports.page.papers import Papers
from dirac_prodsys.core.reports.page.rows import RunView, group_of_task
from dirac_prodsys.core.reports.page.run_page import Surroundings
from dirac_prodsys.core.reports.page.step_page import Portal
from dirac_prodsys.core.site.rights import demand_right
from dirac_prodsys.errors import DefinitionError, ProdsysError
from dirac_prodsys.provider.addresses.links import job_log_url, job_url, transformation_url
from dirac_prodsys.provider.deployment.site import site
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.page import rights
from dirac_prodsys.provider.page.acting import last_runs
from dirac_prodsys.provider.page.from_airflow import Asked
from dirac_prodsys.provider.page.keeper import Keeper, Published

#: instead of a run: the newest one
NEWEST = "~"


def may_read(found: Published, user: Any) -> Callable[[str], bool]:
    """Return what says whether a user may read a production; one without a name is no one's."""
    dags = rights.readable(user)
    whole = rights.reads_all(user, found.dags, dags)
    return lambda name: name in dags or (whole and name not in found.dags)


def found_run(found: Published, user: Any, dag_id: str, run: str) -> RunView:
    """Return a run by its tag or ID.

    :param run: :data:`NEWEST` for the newest.
    :raises HTTPException: there is none, or its Dag is gone and the user may not read all.
    """
    own = readable_runs(found, user, dag_id)
    if run == NEWEST and own:
        return own[0]
    try:
        tags = tags_meant(run)
    except DefinitionError:
        tags = ()
    for tag in tags:
        for view in own:
            if view.book.run == tag:
                return view
    raise HTTPException(404, f"no run {run[:80]!r} of {dag_id[:80]!r} is known")


def run_with_past(keep: Keeper, user: Any, dag_id: str, run: str) -> tuple[Published, RunView]:
    """Return what is shown, and of it a run with all of its past.

    :param run: as of :func:`found_run`.
    :raises HTTPException: as :func:`found_run`.
    """
    view = found_run(keep.published(), user, dag_id, run)
    place = view.book.production, view.book.run
    found = keep.with_past(place)
    return found, found.views.get(place, view)


def readable_runs(found: Published, user: Any, dag_id: str) -> list[RunView]:
    """Return the runs of a production, the newest first; none, if the user may not read them."""
    if dag_id not in found.dags and not may_read(found, user)(dag_id):
        return []
    return runs_of(found, dag_id)


def runs_of(found: Published, dag_id: str) -> list[RunView]:
    """Return the runs of a production, the newest first."""
    own = [view for (production, _), view in found.views.items() if production == dag_id]
    return sorted(
        own, key=lambda view: 0.0 if view.row.began is None else view.row.began.timestamp()
    )[::-1]


def papers_of(request: Request, found: Published, view: RunView) -> Papers:
    """Return what the ledger says of a run."""
    own = runs_of(found, view.book.production)
    place = next(number for number, one in enumerate(own) if one is view)
    before = own[place + 1].book if place + 1 < len(own) else None
    papers: Papers = request.app.state.papers.papers(request.app.state.keeper, view.book, before)
    return papers


def surroundings(keep: Keeper, found: Published, view: RunView, user: Any) -> Surroundings:
    """Return what surrounds a run."""
    dag_id = view.book.production
    may, forbidden = rights_of(user, dag_id, view.book.connection)
    answers = rights.may_answer(user, dag_id)
    asked = [
        one for one in found.airflow.asked if one.dag_id == dag_id and one.run_id == view.row.run_id
    ]
    return Surroundings(
        rights=may,
        sources=found.sources(keep.clock()),
        others=[one for one in runs_of(found, dag_id) if one is not view][:50],
        questions=tuple(_question(one, may=answers, user=user) for one in asked),
        action_runs=last_runs(dag_id) if rights.may_read_actions(user) else (),
        forbidden=forbidden,
    )


def rights_of(user: Any, dag_id: str, connection: str) -> tuple[Rights, frozenset[str]]:
    """Return what a user may do with a production, and the actions that the site forbids."""
    act, why = rights.may_act(user), ""
    if not act:
        why = f"Airflow does not let you trigger {DAG_ID}"
    forbidden = set()
    name = rights.name_of(user)
    for action in ACTIONS:
        try:
            demand_right(site(), name, action, connection or DiracHook.default_conn_name, None)
        except ProdsysError as error:
            forbidden.add(action)
            reason = error.reason
    if act and len(forbidden) == len(ACTIONS):
        act, why = False, reason
    comments = rights.may_comment(user, dag_id)
    return Rights(act=act, comment=comments, why_not=why), frozenset(forbidden)


def portal_of(keep: Keeper, view: RunView) -> Portal:
    """Return what gives addresses in DIRAC's portal; empty ones: there is none."""
    settings = keep.grids.settings(view.book.connection or DiracHook.default_conn_name)
    if settings is None:
        return Portal(lambda _number, _name: "", lambda _job: "", lambda _job: "")
    return Portal(
        partial(transformation_url, settings),
        partial(job_url, settings),
        partial(job_log_url, settings),
    )


def _question(one: Asked, *, may: bool, user: Any) -> QuestionView:
    path = (
        f"/api/v2/dags/{quote(one.dag_id, safe='')}/dagRuns/{quote(one.run_id, safe='')}"
        f"/taskInstances/{quote(one.task_id, safe='')}/{one.map_index}/hitlDetails"
    )
    meant = not one.assignees or str(user.get_id()) in one.assignees
    return QuestionView(
        subject=one.subject,
        body=one.body,
        options=one.options,
        defaults=one.defaults,
        multiple=one.multiple,
        params=dict(one.params),
        asked_at=one.at,
        step=group_of_task(one.task_id).replace("__", "."),
        task_id=one.task_id,
        map_index=one.map_index,
        answer_with=Link(title="answer", href=path),
        may_answer=may and meant,
    )
