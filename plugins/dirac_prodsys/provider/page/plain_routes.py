"""The routes of the page as plain HTML: the same data, with the same rights.

Invariant: a route takes what the route of the data makes, and writes it as HTML.
"""

from __future__ import annotations

import json
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from dirac_prodsys.core.reports.page.answers.common import Answer
from dirac_prodsys.core.reports.page.answers.production import ProductionAnswer
from dirac_prodsys.core.reports.page.answers.productions import ProductionsAnswer
from dirac_prodsys.core.reports.page.answers.site import CampaignAnswer, ErrorsAnswer, GridAnswer
from dirac_prodsys.core.reports.page.answers.step import StepAnswer
from dirac_prodsys.core.reports.page.listing import Wishes
from dirac_prodsys.core.reports.page.plain import Site
from dirac_prodsys.provider.page import rights, routes, site_routes
from dirac_prodsys.provider.page.routes import DagId, Run, Step, wishes_of

A = TypeVar("A", bound=Answer)

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def _site(request: Request) -> Site:
    root = str(request.scope.get("root_path", "")).rstrip("/")
    return Site(root, root.removesuffix("/dirac-prodsys/page"))


def _read(model: type[A], found: Response) -> A:
    """Return the answer that a route of the data gave."""
    return model.model_validate(json.loads(bytes(found.body)))


def _html(text: str) -> HTMLResponse:
    # other languages' letters stay; half a letter, which a name may hold, becomes a mark
    return HTMLResponse(text.encode("utf-8", "replace"))


@router.get("/", dependencies=[rights.LOGGED_IN])
@router.get("/productions", dependencies=[rights.LOGGED_IN])
def productions(
    request: Request, user: rights.User, wishes: Annotated[Wishes, Depends(wishes_of)]
) -> Response:
    """Write the list of productions."""
    found = routes.productions(request, user, wishes)
    return _html(_site(request).productions(_read(ProductionsAnswer, found)))


@router.get("/productions/{dag_id}/{run}", dependencies=[rights.READ_RUNS])
def production(request: Request, user: rights.User, dag_id: DagId, run: Run) -> Response:
    """Write one run."""
    found = routes.production(request, user, dag_id, run)
    return _html(_site(request).run(_read(ProductionAnswer, found)))


@router.get("/productions/{dag_id}/{run}/{step}", dependencies=[rights.READ_RUNS])
def step(request: Request, user: rights.User, dag_id: DagId, run: Run, step: Step) -> Response:
    """Write one step."""
    found = routes.step(request, user, dag_id, run, step)
    return _html(_site(request).step(_read(StepAnswer, found)))


@router.get("/errors", dependencies=[rights.READ_ERRORS])
def errors(request: Request, user: rights.User) -> Response:
    """Write the files with errors."""
    found = site_routes.errors(request, user)
    return _html(_site(request).errors(_read(ErrorsAnswer, found)))


@router.get("/grid", dependencies=[rights.READ_GRID])
def grid(request: Request) -> Response:
    """Write what is known of the grid."""
    found = site_routes.grid(request)
    return _html(_site(request).grid(_read(GridAnswer, found)))


@router.get("/campaign", dependencies=[rights.LOGGED_IN])
def campaign(
    request: Request,
    user: rights.User,
    campaign: site_routes.Name = "",
    production: site_routes.Name = "",
) -> Response:
    """Write the summary."""
    found = site_routes.campaign(request, user, campaign, production)
    return _html(_site(request).campaign(_read(CampaignAnswer, found)))
