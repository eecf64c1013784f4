"""Delivers records through the API server of Airflow, where workers may not reach the database.

The route is ``provider/reporting/ledger_route.py``. Both know a secret of the deployment: the
worker proves by it that it is one.

Invariant: as for any sink: it takes seconds at most, and what it cannot deliver now waits.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.store import RefusedRecord

#: path of the route below the address of the API server
ROUTE = "/dirac-prodsys/ledger"
#: seconds after which the API server counts as away
SECONDS = 10.0
#: most records of one request
MOST = 20_000
#: answer to a record that the ledger will never take
REFUSED = 422


class ApiSink:
    """The ledger behind the API server.

    :param address: of the API server: ``https://airflow.example.org``.
    :param secret: ``[dirac_prodsys] ledger_secret``.
    """

    def __init__(
        self, address: str, secret: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._client = httpx.Client(
            base_url=address.rstrip("/") + ROUTE,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=SECONDS,
            transport=transport,
        )

    def write(self, batch: Sequence[Record]) -> None:
        """Write records, in their order; those that are there stay.

        :raises LedgerUnavailable: the API server does not answer as asked.
        :raises RefusedRecord: the ledger will never take one of them.
        """
        lines = [record.to_dict() for record in batch]
        try:
            answer = self._client.post("/records", json={"records": lines})
        except httpx.HTTPError as error:
            raise LedgerUnavailable(
                f"the API server does not answer: {type(error).__name__}", _HINT
            ) from None
        if answer.status_code == REFUSED:
            raise RefusedRecord(f"the API server refuses a record: {answer.text[:200]}")
        if answer.status_code != httpx.codes.NO_CONTENT:
            raise LedgerUnavailable(
                f"the API server answers {answer.status_code} to records of the ledger", _HINT
            )


_HINT = "see [dirac_prodsys] ledger_secret, the same on workers and API server, and [api] base_url"
