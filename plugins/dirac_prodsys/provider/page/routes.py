"""The routes of the page: who may ask, what was asked, and which answer is made of what.

Invariant: a route decides nothing: rights stand in ``rights``, answers are made in
``core/reports/page``.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic_core import PydanticSerializationError

from dirac_prodsys.core.reports.page.answers.actions import (
    ActionAnswer,
    ActionBody,
    CarryOutBody,
    CommentBody,
    CommentWritten,
    Started,
)
from dirac_prodsys.core.reports.page.answers.common import Answer, StateKind
from dirac_prodsys.core.reports.page.answers.production import ProductionAnswer
from dirac_prodsys.core.reports.page.answers.productions import (
    ProductionRow,
    ProductionsAnswer,
    Sort,
)
from dirac_prodsys.core.reports.page.answers.step import StepAnswer
from dirac_prodsys.core.reports.page.listing import MOST, Wishes, listing
from dirac_prodsys.core.reports.page.run_page import comment, run_page
from dirac_prodsys.core.reports.page.step_page import step_page
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.page import comments, rights
from dirac_prodsys.provider.page.acting import follow, trigger
from dirac_prodsys.provider.page.jobs_now import JobLooks
from dirac_prodsys.provider.page.keeper import Keeper, Published
from dirac_prodsys.provider.page.runs import (
    found_run,
    may_read,
    papers_of,
    portal_of,
    readable_runs,
    run_with_past,
    surroundings,
)
from dirac_prodsys.provider.page.static_files import static_file

router = APIRouter()

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is logged in"},
    403: {"description": "The user may not do this"},
}

Word = Annotated[list[str], Query(max_length=100)]


def keeper_of(request: Request) -> Keeper:
    """Return what all viewers share."""
    found: Keeper = request.app.state.keeper
    return found


def readable_rows(found: Published, user: Any) -> tuple[ProductionRow, ...]:
    """Return the rows that a user may read."""
    may = may_read(found, user)
    return tuple(row for row in found.rows if may(row.dag_id))


def wishes_of(
    vo: Annotated[Word, Query(description="Only these VOs")] = [],  # noqa: B006
    campaign: Annotated[Word, Query(description="Only these campaigns")] = [],  # noqa: B006
    state: Annotated[
        list[StateKind], Query(description="Only runs in these states", max_length=20)
    ] = [],  # noqa: B006
    type: Annotated[
        Word, Query(description="Only runs with a transformation of one of these types")
    ] = [],  # noqa: B006
    production: Annotated[str, Query(description="Only this production", max_length=255)] = "",
    text: Annotated[
        str, Query(description="Only runs that have these words, somewhere", max_length=255)
    ] = "",
    over: Annotated[bool, Query(description="Runs that are over, too")] = False,
    sort: Annotated[Sort, Query(description="By what they are sorted")] = "attention",
    descending: Annotated[bool, Query(description="The other way round")] = False,
    page: Annotated[int, Query(description="Page, from 1 on", ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(description="Rows of a page", ge=1, le=MOST)] = 50,
) -> Wishes:
    """Return what a viewer wants to see."""
    return Wishes(
        vo=tuple(vo),
        campaign=tuple(campaign),
        state=tuple(state),
        type=tuple(type),
        production=production,
        text=text,
        over=over,
        sort=sort,
        descending=descending,
        page=page,
        per_page=per_page,
    )


def reply(answer: Answer, status: int = 200) -> Response:
    """Return an answer as JSON; it is valid already and is not checked again."""
    try:
        text = answer.model_dump_json()
    except PydanticSerializationError:  # half a letter, which only ASCII can write
        text = json.dumps(answer.model_dump(mode="json"))
    return Response(text, status, media_type="application/json")


@router.get(
    "/api/productions",
    response_model=ProductionsAnswer,
    dependencies=[rights.LOGGED_IN],
    responses=REFUSALS,
    tags=["productions"],
)
def productions(
    request: Request, user: rights.User, wishes: Annotated[Wishes, Depends(wishes_of)]
) -> Response:
    """List the runs of productions that the user may read; those that need a person come first."""
    keep = keeper_of(request)
    found = keep.published()
    rows = readable_rows(found, user)
    shown, answer = listing(rows, wishes, found.sources(keep.clock()))
    return reply(answer.model_copy(update={"rows": tuple(shown)}))


@router.get(
    "/api/openapi.json",
    dependencies=[rights.LOGGED_IN],
    responses=REFUSALS,
    include_in_schema=False,
)
def openapi(request: Request) -> JSONResponse:
    """Describe all routes."""
    return JSONResponse(request.app.openapi())


@router.get(
    "/static/{path:path}",
    dependencies=[rights.LOGGED_IN],
    responses={**REFUSALS, 404: {"description": "There is no such file"}},
    response_class=Response,
    tags=["page"],
)
def static(
    request: Request, path: Annotated[str, Path(description="File", max_length=200)]
) -> Response:
    """Return a script, a style or a picture of the page."""
    return static_file(request, path)


_RUN = "/api/dags/{dag_id}/runs/{run}"
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "There is none of that name"}}
_WRONG: dict[int | str, dict[str, Any]] = {
    422: {"description": "The request is wrong: `detail` says how, `hint` the way out"},
    503: {"description": "The ledger cannot be written now"},
}

DagId = Annotated[str, Path(description="Name of a production", max_length=250)]
Run = Annotated[str, Path(description="Tag or ID of a run; `~`: the newest", max_length=250)]
Step = Annotated[str, Path(description="Name of a step", max_length=250)]


@router.get(
    _RUN,
    response_model=ProductionAnswer,
    dependencies=[rights.READ_RUNS],
    responses={**REFUSALS, **UNKNOWN},
    tags=["productions"],
)
def production(request: Request, user: rights.User, dag_id: DagId, run: Run) -> Response:
    """Show one run: its graph, matrix, datasets, story, definition and what may be done."""
    keep = keeper_of(request)
    found, view = run_with_past(keep, user, dag_id, run)
    papers = papers_of(request, found, view)
    return reply(run_page(view, papers, surroundings(keep, found, view, user), keep.clock()))


@router.get(
    _RUN + "/steps/{step}",
    response_model=StepAnswer,
    dependencies=[rights.READ_RUNS],
    responses={**REFUSALS, **UNKNOWN},
    tags=["productions"],
)
def step(request: Request, user: rights.User, dag_id: DagId, run: Run, step: Step) -> Response:
    """Show one step: why it stands so, its counts over time, failures, queries, body."""
    keep = keeper_of(request)
    found, view = run_with_past(keep, user, dag_id, run)
    papers = papers_of(request, found, view)
    around = surroundings(keep, found, view, user)
    portal, now = portal_of(keep, view), keep.clock()
    looks: JobLooks = request.app.state.jobs
    jobs_now = partial(looks.of, view.book.connection or DiracHook.default_conn_name)
    answer = step_page(view, step, papers, around, portal, now, jobs_now)
    if answer is None:
        raise HTTPException(404, f"{dag_id} has no step {step[:80]!r}")
    return reply(answer)


@router.post(
    "/api/dags/{dag_id}/actions/preview",
    response_model=Started,
    status_code=202,
    dependencies=[rights.OUR_PAGE, rights.READ_RUNS, rights.ACT],
    responses={**REFUSALS, **UNKNOWN, **_WRONG},
    tags=["actions"],
)
def preview(request: Request, user: rights.User, dag_id: DagId, body: ActionBody) -> Response:
    """Begin a preview: it shows what an action would touch, and touches nothing."""
    return _begun(request, user, dag_id, body)


@router.post(
    "/api/dags/{dag_id}/actions",
    response_model=Started,
    status_code=202,
    dependencies=[rights.OUR_PAGE, rights.READ_RUNS, rights.ACT],
    responses={**REFUSALS, **UNKNOWN, **_WRONG},
    tags=["actions"],
)
def act(request: Request, user: rights.User, dag_id: DagId, body: CarryOutBody) -> Response:
    """Carry out what a preview has shown, or nothing if it would be something else by now."""
    return _begun(request, user, dag_id, body)


def _begun(request: Request, user: Any, dag_id: str, body: ActionBody) -> Response:
    view = found_run(keeper_of(request).published(), user, dag_id, body.run)
    run = view.row.run_id or view.book.run
    return reply(trigger(dag_id, run, view.book.connection, body, user), 202)


@router.get(
    "/api/dags/{dag_id}/actions/{run_id}",
    response_model=ActionAnswer,
    dependencies=[rights.READ_RUNS, rights.READ_ACTIONS],
    responses={**REFUSALS, **UNKNOWN},
    tags=["actions"],
)
def action(
    request: Request,
    user: rights.User,
    dag_id: DagId,
    run_id: Annotated[str, Path(description="ID that `Started` named", max_length=250)],
) -> Response:
    """Show how far an action is: its preview, its outcome, or why it failed."""
    keep = keeper_of(request)
    found = keep.published()
    if not readable_runs(found, user, dag_id):
        raise HTTPException(404, f"no run of {dag_id[:80]!r} is known")
    return reply(follow(dag_id, run_id, found.sources(keep.clock())))


@router.post(
    "/api/dags/{dag_id}/comments",
    response_model=CommentWritten,
    status_code=201,
    dependencies=[rights.OUR_PAGE, rights.EDIT_RUNS],
    responses={**REFUSALS, **UNKNOWN, **_WRONG},
    tags=["comments"],
)
def write_comment(
    request: Request, user: rights.User, dag_id: DagId, body: CommentBody
) -> Response:
    """Write a comment on a production, a run, a step or a dataset; the newest counts."""
    keep = keeper_of(request)
    found = keep.published()
    runs = readable_runs(found, user, dag_id)
    if not runs:
        raise HTTPException(404, f"no run of {dag_id[:80]!r} is known")
    view = found_run(found, user, dag_id, body.run) if body.run else None
    record = comments.comment_of(dag_id, body, runs, view, rights.name_of(user), keep.clock())
    comments.write(keep.ledger(), record)
    request.app.state.papers.forget(dag_id)
    return reply(CommentWritten(comment=comment(record)), 201)
