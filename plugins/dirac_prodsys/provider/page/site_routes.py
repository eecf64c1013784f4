"""The routes of what concerns no single run: files with errors, the grid, the summary, comparisons.

Invariant: as in ``routes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.page.answers.site import (
    CampaignAnswer,
    CompareAnswer,
    ErrorsAnswer,
    GridAnswer,
)
from dirac_prodsys.core.reports.page.campaign import campaign_page, rows_of
from dirac_prodsys.core.reports.page.comparing import compare as compared
from dirac_prodsys.core.reports.page.grid_page import grid_page
from dirac_prodsys.core.reports.summary import forms
from dirac_prodsys.core.reports.summary.columns import COLUMNS, Column
from dirac_prodsys.core.reports.summary.page import to_html
from dirac_prodsys.core.reports.summary.row import SummaryRow
from dirac_prodsys.errors import NotFound
from dirac_prodsys.ledger.history import plot_records, summary_records
from dirac_prodsys.ledger.store import Search
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.page import rights
from dirac_prodsys.provider.page.broken_files import broken_files
from dirac_prodsys.provider.page.grid_checks import beats
from dirac_prodsys.provider.page.routes import (
    REFUSALS,
    UNKNOWN,
    keeper_of,
    readable_rows,
    reply,
)
from dirac_prodsys.provider.page.runs import found_run, may_read, papers_of

router = APIRouter()

Form = Literal["markdown", "csv", "json", "html"]

#: form → content type, and ending of the file
_TYPES: dict[Form, tuple[str, str]] = {
    "markdown": ("text/markdown; charset=utf-8", "md"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "json": ("application/json", "json"),
    "html": ("text/html; charset=utf-8", "html"),
}

Name = Annotated[str, Query(max_length=255)]
_AWAY: dict[int | str, dict[str, Any]] = {503: {"description": "The ledger cannot be read now"}}


@router.get(
    "/api/errors",
    response_model=ErrorsAnswer,
    dependencies=[rights.READ_ERRORS],
    responses=REFUSALS,
    tags=["site"],
)
def errors(request: Request, user: rights.User) -> Response:
    """List the mistakes in files of productions, each with its line."""
    keep = keeper_of(request)
    found = broken_files(user)
    empty = "" if found else "No file has an error."
    sources = keep.published().sources(keep.clock())
    return reply(ErrorsAnswer(errors=tuple(found), empty=empty, sources=sources))


@router.get(
    "/api/grid",
    response_model=GridAnswer,
    dependencies=[rights.READ_GRID],
    responses=REFUSALS,
    tags=["site"],
)
def grid(
    request: Request,
    connection: Annotated[
        str,
        Query(description="Airflow connection of type dirac", pattern=r"^[A-Za-z0-9_.-]{0,250}$"),
    ] = DiracHook.default_conn_name,
) -> Response:
    """Show whether the grid answers, who watches it, and what doctor finds wrong with it."""
    keep = keeper_of(request)
    found = keep.published()
    known = {DiracHook.default_conn_name, *found.looks}
    if connection not in known:
        raise HTTPException(404, f"no run uses a connection {connection[:80]!r}")
    now = keep.clock()
    return reply(
        grid_page(
            connection,
            found.looks.get(connection),
            beats(),
            request.app.state.checks.checked(connection),
            found.sources(now),
            now,
        )
    )


@router.get(
    "/api/campaign",
    response_model=CampaignAnswer,
    dependencies=[rights.LOGGED_IN],
    responses={**REFUSALS, **UNKNOWN, **_AWAY},
    tags=["site"],
)
def campaign(
    request: Request,
    user: rights.User,
    campaign: Name = "",
    production: Name = "",
    community: Annotated[
        str, Query(description="With the columns of this community", max_length=50)
    ] = "",
) -> Response:
    """Show the summary of datasets, as `dirac-prodsys summary` does, with comments."""
    keep = keeper_of(request)
    found = keep.published()
    rows = readable_rows(found, user)
    records, summary = _summary(request, user, production, campaign)
    campaigns = sorted({row.campaign for row in rows if row.campaign})
    names = campaigns, sorted({row.production for row in rows})
    asked, sources = (campaign, production), found.sources(keep.clock())
    return reply(campaign_page(summary, records, _columns(community), asked, names, sources))


@router.get(
    "/api/campaign/export",
    dependencies=[rights.LOGGED_IN],
    responses={**REFUSALS, **UNKNOWN, **_AWAY},
    response_class=Response,
    tags=["site"],
)
def export(
    request: Request,
    user: rights.User,
    form: Form,
    campaign: Name = "",
    production: Name = "",
    community: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Return the summary as a file."""
    keep = keeper_of(request)
    columns = _columns(community)
    _, rows = _summary(request, user, production, campaign)
    title = production or campaign or "Datasets"
    if form == "json":
        text = forms.to_json(rows)
    elif form == "csv":
        text = forms.to_csv(rows, columns)
    elif form == "markdown":
        text = forms.to_markdown(rows, columns)
    else:
        search = Search(production=production, campaign=campaign)
        may = may_read(keep.published(), user)
        drawn = [
            one for one in plot_records(keep.answering_ledger(), search) if may(one.production)
        ]
        text = to_html(title, rows, drawn, datetime.fromtimestamp(keep.clock(), UTC), columns)
    kind, ending = _TYPES[form]
    headers = {"Content-Disposition": f'attachment; filename="summary.{ending}"'}
    return Response(text.encode("utf-8", "replace"), media_type=kind, headers=headers)


@router.get(
    "/api/compare",
    response_model=CompareAnswer,
    dependencies=[rights.READ_RUNS],
    responses={**REFUSALS, **UNKNOWN},
    tags=["productions"],
)
def compare(
    request: Request,
    user: rights.User,
    dag_id: Annotated[str, Query(max_length=250)],
    run: Annotated[str, Query(max_length=250)],
    with_dag_id: Annotated[str, Query(max_length=250)],
    with_run: Annotated[str, Query(max_length=250)],
) -> Response:
    """Show two runs side by side: what they are, their steps, what their plans differ in."""
    if not rights.may_read_runs(user, with_dag_id):
        raise HTTPException(403, "Forbidden")
    keep = keeper_of(request)
    found = keep.published()
    left = found_run(found, user, dag_id, run)
    right = found_run(found, user, with_dag_id, with_run)
    papers = papers_of(request, found, left), papers_of(request, found, right)
    return reply(compared(left, right, papers, found.sources(keep.clock())))


def _summary(
    request: Request, user: Any, production: str, campaign: str
) -> tuple[list[Record], list[SummaryRow]]:
    keep = keeper_of(request)
    search = Search(production=production, campaign=campaign)
    records = list(summary_records(keep.answering_ledger(), search))
    may = may_read(keep.published(), user)
    return records, rows_of(records, production, campaign, may)


def _columns(community: str) -> Sequence[Column]:
    """Return the columns of a community.

    :raises NotFound: there is no such community, or it has none.
    """
    if not community:
        return COLUMNS
    try:
        found = community_of(community)
    except Exception:
        raise NotFound(f"no community {community!r} is installed", "leave it out") from None
    if not found.summary_columns:
        return COLUMNS
    columns: Sequence[Column] = found.offered(found.summary_columns)
    return columns
