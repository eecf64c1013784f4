"""The files that a query selects, in calls of the file catalogue.

Invariant: as for counts: a query that the catalogue would widen silently is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.meta_query import MetaQuery


class SelectionVerbs:
    """Mix-in: :class:`ProductionGateway`."""

    def find_files(self, query: MetaQuery) -> list[str]:
        """:class:`CatalogueVerbs` does it."""
        raise NotImplementedError

    def _bytes(self, lfns: Sequence[str]) -> int:
        raise NotImplementedError

    def selected_files(self, query: MetaQuery) -> list[str]:
        """See :meth:`ProductionGateway.selected_files`."""
        return sorted(self.find_files(query))

    def size_of(self, lfns: Sequence[str]) -> int:
        """See :meth:`ProductionGateway.size_of`."""
        return self._bytes(lfns)
