"""The routes of who writes a production, and of runbooks.

Invariant: as in ``routes``. Checking a text reads no file and starts no program; its size is
bounded, and with it the time that it takes.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from dirac_prodsys.core.language.completions import completions
from dirac_prodsys.core.reports.page.answers.draft import (
    MOST,
    DraftAnswer,
    DraftBody,
    HandedIn,
    HandInBody,
    KeyView,
    NewAnswer,
    RunbookAnswer,
)
from dirac_prodsys.provider.page import drafts, rights
from dirac_prodsys.provider.page.routes import REFUSALS, UNKNOWN, keeper_of, reply

router = APIRouter()

_WRONG: dict[int | str, dict[str, Any]] = {
    409: {"description": "A file or a production of that name is there"},
    413: {"description": "The request is too large"},
    422: {"description": "The request is wrong: `detail` says how, `hint` the way out"},
    429: {"description": "Other texts are checked at this moment"},
}


@router.get(
    "/api/new",
    response_model=NewAnswer,
    dependencies=[rights.LOGGED_IN],
    responses=REFUSALS,
    tags=["new"],
)
def new(user: rights.User) -> Response:
    """Give templates, the keys of a production, and whether the user may hand in a file."""
    keys = {
        model: tuple(KeyView.model_validate(row) for row in rows)
        for model, rows in completions().items()
    }
    may = drafts.hand_in_of(user)
    return reply(NewAnswer(templates=drafts.templates(), keys=keys, hand_in=may, most=MOST))


@router.post(
    "/api/new/check",
    response_model=DraftAnswer,
    dependencies=[rights.OUR_PAGE],
    responses={**REFUSALS, **_WRONG},
    tags=["new"],
)
def check(request: Request, body: DraftBody) -> Response:
    """Check a text, and show the plan of a run of it; nothing is kept."""
    return reply(drafts.checked(body.text, keeper_of(request).clock()))


@router.post(
    "/api/new/files",
    response_model=HandedIn,
    status_code=201,
    dependencies=[rights.OUR_PAGE, rights.EDIT_DAGS],
    responses={**REFUSALS, **_WRONG},
    tags=["new"],
)
def hand_in(request: Request, user: rights.User, body: HandInBody) -> Response:
    """Write a new file into the folder of productions, where the deployment allows it."""
    now = keeper_of(request).clock()
    return reply(drafts.hand_in(body.name, body.text, user, now), 201)


@router.get(
    "/api/runbooks/{name}",
    response_model=RunbookAnswer,
    dependencies=[rights.LOGGED_IN],
    responses={**REFUSALS, **UNKNOWN},
    tags=["site"],
)
def runbook(
    name: Annotated[str, Path(description="Kind of a notice, or an alert", max_length=100)],
) -> Response:
    """Show what to do about a notice or an alert."""
    return reply(drafts.runbook_of(name))
