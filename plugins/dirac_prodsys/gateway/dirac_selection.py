"""The files that a query selects, in calls of the file catalogue.

Invariant: as for counts: a query that the catalogue would widen silently is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dirac_prodsys.core.meta_query import MetaQuery


class SelectionVerbs:
    """Mix-in: :class:`SelectionGateway`."""

    def _fc(self, method: str, *arguments: Any) -> Any:
        """:class:`CatalogueVerbs` does it."""
        raise NotImplementedError

    def _check_fields(self, query: MetaQuery) -> None:
        raise NotImplementedError

    def _bytes(self, lfns: Sequence[str]) -> int:
        raise NotImplementedError

    def selected_files(self, query: MetaQuery) -> list[str]:
        """See :meth:`SelectionGateway.selected_files`."""
        self._check_fields(query)
        return sorted(self._fc("findFilesByMetadata", query.to_dirac(), "/"))

    def size_of(self, lfns: Sequence[str]) -> int:
        """See :meth:`SelectionGateway.size_of`."""
        return self._bytes(lfns)
