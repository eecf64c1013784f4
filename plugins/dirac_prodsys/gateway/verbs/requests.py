"""Implements the verb about requests, in calls of ``RequestManagement/ReqManager``.

The service returns many statuses in one call, but the errors of one request only (``peekRequest``).
The one bulk call with an error, ``getRequestSummaryWeb``, has that of the request itself, which is
empty when an operation failed.

Invariant: requests are read, never taken: ``getRequest`` would set them Assigned.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.requests import RequestState, request_state
from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.verbs.services import REQUESTS, ServiceCalls, chunks

#: requests whose statuses are read in one call
REQUEST_CHUNK = 1000


class RequestVerbs(ServiceCalls):
    """Implements the verb of :class:`ProductionGateway` about requests."""

    def request_states(self, requests: Sequence[int], most: int) -> dict[int, RequestState]:
        """See :meth:`ProductionGateway.request_states`."""
        states: dict[int, RequestState] = {}
        for chunk in chunks(sorted(set(requests)), REQUEST_CHUNK):
            found = self.services.call(REQUESTS, "getBulkRequestStatus", chunk)
            # numeric keys become text in the service's answer
            statuses = {int(number): one_line(status) for number, status in found.items()}
            states.update({n: RequestState(JobState(n, s)) for n, s in statuses.items()})
        bad = [number for number, known in states.items() if known.state.bad]
        for number in sorted(bad, reverse=True)[:most]:
            states[number] = self._peeked(number, states[number])
        return states

    def _peeked(self, number: int, known: RequestState) -> RequestState:
        try:
            text = self.services.call(REQUESTS, "peekRequest", number)
            return request_state(number, json.loads(text))
        except GatewayRejected as error:
            if "not exist" in error.reason:  # it was removed meanwhile
                return known
            raise
        except (TypeError, ValueError):
            raise GatewayRejected(f"{REQUESTS}.peekRequest({number}) is no JSON") from None
