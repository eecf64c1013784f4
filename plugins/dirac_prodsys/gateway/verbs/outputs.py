"""The verbs about outputs that no body names, in calls of two services.

Invariant: read-only. A condition on a field that the catalogue does not know would be dropped, and
select files of anybody's: it is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.services import chunks

#: tasks named in one call; the service looks up the files of each by itself
_TASK_CHUNK = 500


class OutputVerbs(CatalogueVerbs):
    """What :class:`ProductionGateway` says about outputs that no body names."""

    def files_below(self, directory: str, query: MetaQuery) -> dict[str, Mapping[str, Any]]:
        """See :meth:`ProductionGateway.files_below`."""
        sent = self._sent(query)
        path = posixpath.normpath(directory)
        try:
            found = self._fc("findFilesByMetadataDetailed", sent.to_dirac(), path)
        except NotFound:  # the directory is made by the first that has to do with it
            return {}
        rows = found or {}  # none: an empty list
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
