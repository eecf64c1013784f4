"""What reporting on requests of data management asks of a production system.

A verb of its own: without it productions run, and a failed request tells its status only.

Invariant: as for :class:`ProductionGateway`: blocking, repeatable, in our errors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dirac_prodsys.core.request_state import RequestState


@runtime_checkable
class RequestGateway(Protocol):
    """Requests, which are the tasks of data-management transformations."""

    def request_states(self, requests: Sequence[int], most: int) -> dict[int, RequestState]:
        """What became of requests, by ID; unknown ones are absent.

        :param most: how many that did not end well are asked for their errors, the newest first:
            each is a call of its own. Of the others, the status alone is told.
        """
