"""Finds the files that a query selects, in calls of the file catalogue.

Invariant: as for counts: a query that the catalogue would silently widen is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.replies import each
from dirac_prodsys.gateway.verbs.services import chunks

#: files in one call
FILE_CHUNK = 500


class SelectionVerbs(CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` about the files of a query."""

    def selected_files(self, query: MetaQuery) -> list[str]:
        """See :meth:`ProductionGateway.selected_files`."""
        return sorted(self.find_files(query))

    def size_of(self, lfns: Sequence[str]) -> int:
        """See :meth:`ProductionGateway.size_of`."""
        total = 0
        for chunk in chunks(lfns, FILE_CHUNK):
            reply = self._fc("getFileSize", dict.fromkeys(chunk, True))
            known = {**reply, "Failed": {}} if isinstance(reply, dict) else reply
            total += sum(int(size or 0) for size in each(known, "getFileSize").values())
        return total
