"""What looking for outputs that no body names asks of a production system.

Invariant: as for :class:`ProductionGateway`: blocking, in our errors only; here also read-only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from dirac_prodsys.core.meta_query import MetaQuery


@runtime_checkable
class OutputsGateway(Protocol):
    """Files by what their job wrote beside them, and what that job was given."""

    def files_below(self, directory: str, query: MetaQuery) -> dict[str, Mapping[str, Any]]:
        """Files below a directory that fulfil the query, with the metadata of their own.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """

    def task_inputs(
        self, transformation: int, numbers: Sequence[int]
    ) -> dict[int, tuple[str, ...]]:
        """The files that tasks were made of, by task ID; unknown tasks are absent.

        They stay what they were, whatever task has a file by now.
        """
