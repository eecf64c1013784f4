"""Attaches files to a transformation by name, without a query.

Invariant: only files in the catalogue are attached, and each once, however often this is repeated.
The Transformation System itself takes any text for a file, and would wait for it forever
(``TransformationDB.addFilesToTransformation``, 9.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import GatewayRejected, NotFound
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.replies import each
from dirac_prodsys.gateway.verbs.services import FILE_CHUNK, TRANSFORMATIONS, chunks

#: most missing files that a message names
_NAMED = 5


class FileVerbs(CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` about single files."""

    def add_files(self, transformation: int, lfns: Sequence[str]) -> int:
        """See :meth:`ProductionGateway.add_files`."""
        for chunk in chunks(lfns, FILE_CHUNK):
            self._require_files(chunk)
        added = 0
        for chunk in chunks(lfns, FILE_CHUNK):
            call = f"{TRANSFORMATIONS}.addFilesToTransformation"
            reply = self._ts("addFilesToTransformation", transformation, chunk)
            answers = each(reply, call)
            if lost := [lfn for lfn in chunk if lfn not in answers]:
                raise GatewayRejected(
                    f"transformation {transformation} did not take {first_of(lost, _NAMED)}",
                    "see the log of the Transformation System",
                )
            added += sum(answer == "Added" for answer in answers.values())
        return added

    def add_sample(self, transformation: int, query: MetaQuery, limit: int) -> int:
        """See :meth:`ProductionGateway.add_sample`."""
        where = {"TransformationID": [transformation]}
        counters = self._ts("getCounters", "TransformationFiles", ["TransformationID"], where)
        if sum(int(count) for _, count in counters) >= limit:
            return 0
        found = self.find_files(query)
        if len(found) < limit:
            raise NotFound(
                f"the file catalogue finds {len(found)} files for the query, and {limit} are to be "
                "taken",
                "ask for fewer, or wait until there are more",
            )
        return self.add_files(transformation, sorted(found)[:limit])

    def _require_files(self, lfns: list[str]) -> None:
        there = self._each("isFile", dict.fromkeys(lfns, True))
        if missing := [lfn for lfn in lfns if not there.get(lfn)]:
            raise NotFound(
                f"the file catalogue has no {first_of(missing, _NAMED)}",
                "take them out of the list, or register them first",
            )
