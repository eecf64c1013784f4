"""Takes records that workers send to the API server, which alone may reach the database.

``POST /dirac-prodsys/ledger/records`` with ``{"records": […]}`` and the secret of the deployment
answers 204 when all are written, and 503 when they must come again.

Invariant: without a secret in the configuration nothing is taken. The route only adds records.
"""

from __future__ import annotations

import functools
import hmac
import logging
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import BackgroundTasks, Body, FastAPI, Header, HTTPException, Response
from pydantic import ValidationError

from dirac_prodsys.core.reports.ledger.records import read_record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.api import MOST, REFUSED
from dirac_prodsys.ledger.store import RefusedRecord
from dirac_prodsys.provider.reporting.ledger_settings import SECRET, option, server_ledger
from dirac_prodsys.provider.reporting.summary_folder import write_after_records

if TYPE_CHECKING:
    from dirac_prodsys.ledger.store import Ledger

log = logging.getLogger(__name__)

app = FastAPI(title="Ledger of dirac_prodsys", docs_url=None, redoc_url=None, openapi_url=None)


@app.post("/records", status_code=204, response_class=Response)
def add(
    background: BackgroundTasks,
    records: Annotated[list[dict[str, Any]], Body(embed=True, max_length=MOST)],
    authorization: Annotated[str, Header()] = "",
) -> None:
    """Write records of a worker; those that are there stay."""
    secret = option(SECRET)
    given = authorization.removeprefix("Bearer ")
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        raise HTTPException(401, "the secret of the ledger is wrong, or none is configured")
    try:
        batch = [read_record(record) for record in records]
    except ValidationError as error:
        raise HTTPException(REFUSED, f"this is no record: {error.error_count()} errors") from None
    try:
        _ledger().write(batch)
    except RefusedRecord as error:
        raise HTTPException(REFUSED, error.reason) from None
    except LedgerUnavailable as error:
        log.warning("records of workers wait: %s", error.reason)
        raise HTTPException(503, "the ledger cannot be written now") from None
    background.add_task(write_after_records, _ledger(), batch)


@functools.cache
def _ledger() -> Ledger:
    return server_ledger()
