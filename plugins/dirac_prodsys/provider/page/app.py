"""The application of Airflow's API server that the page asks.

Invariant: each answer says that it is nothing but what it is: no browser guesses its type, and no
text in it is ever run.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from dirac_prodsys import __version__
from dirac_prodsys.errors import Conflict, LedgerUnavailable, NotFound, NotYet, ProdsysError
from dirac_prodsys.provider.page.from_ledger import PapersShelf
from dirac_prodsys.provider.page.grid_checks import GridChecks
from dirac_prodsys.provider.page.jobs_now import JobLooks
from dirac_prodsys.provider.page.keeper import Keeper
from dirac_prodsys.provider.page.new_routes import router as new_router
from dirac_prodsys.provider.page.notes import keep_notes
from dirac_prodsys.provider.page.plain_routes import router as plain_router
from dirac_prodsys.provider.page.routes import router
from dirac_prodsys.provider.page.site_routes import router as site_router
from dirac_prodsys.provider.reporting.ledger_settings import server_ledger

#: below the address of the API server
PREFIX = "/dirac-prodsys/page"

#: what a browser may do with answers
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'none'",
}


#: most bytes of a request: four for each character of the longest text, and some more
_MOST = 1_000_000


def _too_large(request: Request) -> Response | None:
    """Refuse a request before its body is read, if it is too large or does not say how large."""
    if request.method in ("GET", "HEAD"):
        return None
    length = request.headers.get("content-length", "0" if _is_empty(request) else "")
    if length.isdecimal() and int(length) <= _MOST:
        return None
    return JSONResponse({"detail": "the request is too large", "hint": "shorten the text"}, 413)


def _is_empty(request: Request) -> bool:
    return "transfer-encoding" not in request.headers


@functools.cache
def keeper() -> Keeper:
    """Return the keeper of this process; it keeps the notes of runs, too."""
    found = Keeper(server_ledger)
    found.after.append(keep_notes)
    return found


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    found: Keeper = app.state.keeper
    found.start()
    yield
    found.stop()


def make_app(keep: Keeper) -> FastAPI:
    """Return the application.

    :param keep: what all viewers share.
    """
    app = FastAPI(
        title="Productions of DIRAC",
        version=__version__,
        description="What the page of productions shows, as JSON. A view is a link: all that can "
        "be chosen stands in the address.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # a route with a right gives it
    )
    app.state.keeper = keep
    app.state.papers = PapersShelf()
    app.state.checks = GridChecks(keep.grids, keep.clock)
    app.state.jobs = JobLooks(keep.grids, keep.clock)
    app.include_router(router)
    app.include_router(site_router)
    app.include_router(new_router)
    app.include_router(plain_router)

    @app.middleware("http")
    async def safe(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = _too_large(request) or await answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    @app.exception_handler(ProdsysError)
    async def refuse(_request: Request, error: ProdsysError) -> JSONResponse:
        status = 422
        if isinstance(error, NotFound):
            status = 404
        elif isinstance(error, Conflict):
            status = 409
        elif isinstance(error, NotYet):
            status = 429
        elif isinstance(error, LedgerUnavailable):
            status = 503
        return JSONResponse({"detail": error.reason, "hint": error.hint}, status)

    return app
