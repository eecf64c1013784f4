"""Implements the verbs about outputs that no body names, in calls of two services.

Invariant: read-only. The catalogue would drop a condition on an unknown field and select anybody's
files, so such a query is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.services import chunks

#: tasks in one call; the service looks up the files of each separately
_TASK_CHUNK = 500


class OutputVerbs(CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` about outputs that no body names."""

    def files_below(self, directory: str, query: MetaQuery) -> dict[str, Mapping[str, Any]]:
        """See :meth:`ProductionGateway.files_below`."""
        sent = self._sent(query)
        path = posixpath.normpath(directory)
        try:
            found = self._fc("findFilesByMetadataDetailed", sent.to_dirac(), path)
        except NotFound:  # the first job that uploads makes the directory
            return {}
        rows = found or {}  # the service answers an empty list for none
        return {lfn: dict(rows[lfn].get("Metadata") or {}) for lfn in sorted(rows)}

    def task_inputs(
        self, transformation: int, numbers: Sequence[int]
    ) -> dict[int, tuple[str, ...]]:
        """See :meth:`ProductionGateway.task_inputs`."""
        found = {}
        for chunk in chunks(sorted(set(numbers)), _TASK_CHUNK):
            where = {"TransformationID": transformation, "TaskID": chunk}
            arguments = (where, None, None, "CreationTime", "TaskID", None, True)
            for row in self._ts("getTransformationTasks", *arguments):
                lfns = str(row.get("InputVector") or "").split(";")
                found[int(row["TaskID"])] = tuple(lfn for lfn in lfns if lfn)
        return found
