"""The routes of the page: who may ask, what was asked, and which answer is made of what.

Invariant: a route decides nothing: rights stand in ``rights``, answers are made in
``core/reports/page``.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from dirac_prodsys.core.reports.page.answers.common import Answer, StateKind
from dirac_prodsys.core.reports.page.answers.productions import (
    ProductionRow,
    ProductionsAnswer,
    Sort,
)
from dirac_prodsys.core.reports.page.listing import MOST, Wishes, listing
from dirac_prodsys.provider.page import rights
from dirac_prodsys.provider.page.keeper import Keeper, Published
from dirac_prodsys.provider.page.static_files import static_file

router = APIRouter()

_REFUSALS: dict[int | str, dict[str, Any]] = {
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
    dags = rights.readable(user)
    unknown = rights.reads_all(user)
    return tuple(
        row
        for row in found.rows
        if row.dag_id in dags or (unknown and row.dag_id not in found.dags)
    )


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
    return Response(answer.model_dump_json(), status, media_type="application/json")


@router.get(
    "/api/productions",
    response_model=ProductionsAnswer,
    dependencies=[rights.LOGGED_IN],
    responses=_REFUSALS,
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
    responses=_REFUSALS,
    include_in_schema=False,
)
def openapi(request: Request) -> JSONResponse:
    """Describe all routes."""
    return JSONResponse(request.app.openapi())


@router.get(
    "/static/{path:path}",
    dependencies=[rights.LOGGED_IN],
    responses={**_REFUSALS, 404: {"description": "There is no such file"}},
    response_class=Response,
    tags=["page"],
)
def static(
    request: Request, path: Annotated[str, Path(description="File", max_length=200)]
) -> Response:
    """Return a script, a style or a picture of the page."""
    return static_file(request, path)
