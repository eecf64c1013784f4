"""What asking before a removal needs of a production system, beside :mod:`gateway.protocol`.

Invariant: as for :class:`ProductionGateway`: blocking, repeatable, in our errors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dirac_prodsys.core.meta_query import MetaQuery


@runtime_checkable
class SelectionGateway(Protocol):
    """The files that a query selects, by name, and how big they are."""

    def selected_files(self, query: MetaQuery) -> list[str]:
        """LFNs of the files that the catalogue finds for the query now, wherever they lie.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """

    def size_of(self, lfns: Sequence[str]) -> int:
        """Bytes of all these files together; those that the catalogue does not have count none."""
