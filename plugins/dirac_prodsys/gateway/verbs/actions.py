"""Implements the verbs of people's actions, in calls of Transformation System and file catalogue.

Invariant: as in :mod:`.transformations`: read before write, read back after it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid.inventory import FileShare, Listed
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected, MetaQueryError, NotFound, TransformationFailed
from dirac_prodsys.gateway.verbs.recovery import RecoveryVerbs
from dirac_prodsys.gateway.verbs.transformations import TransformationVerbs

#: rows in one call
PAGE = 1000

#: characters of a date and time, up to its seconds
_TO_SECONDS = len("2026-11-29 10:00:00")

_COLUMNS = [
    "TransformationID",
    "TransformationName",
    "Type",
    "Plugin",
    "Status",
    "TransformationGroup",
    "AuthorGroup",
    "EventsPerTask",
    "CreationDate",
]


class ActionVerbs(RecoveryVerbs, TransformationVerbs):
    """Implements the verbs of :class:`ProductionGateway` for actions of people."""

    def list_transformations(
        self, groups: Sequence[str] = (), ids: Sequence[int] = ()
    ) -> list[Listed]:
        """See :meth:`ProductionGateway.list_transformations`."""
        where: dict[str, Any] = {"TransformationGroup": sorted(set(groups))} if groups else {}
        if ids:
            where["TransformationID"] = sorted(set(ids))
        found: dict[int, Listed] = {}
        offset = 0
        while True:
            rows = self._page(where, offset)
            for row in rows:
                # the database compares without regard to case
                if not groups or row["TransformationGroup"] in groups:
                    listed = self._listed(row)
                    found[listed.id] = listed
            if len(rows) < PAGE:
                return [found[number] for number in sorted(found)]
            offset += PAGE

    def set_group_size(self, transformation: int, size: float) -> None:
        """See :meth:`ProductionGateway.set_group_size`."""
        status, now = self._status_and_size(transformation)
        if status in REMOVED_TRANSFORMATION:
            raise TransformationFailed(
                f"transformation {transformation} is {status} and cannot be changed",
                "somebody removed it in DIRAC",
            )
        if _same(now, size):
            return
        self._ts("setTransformationParameter", transformation, "GroupSize", size)
        _, now = self._status_and_size(transformation)
        if not _same(now, size):
            raise GatewayRejected(
                f"GroupSize of transformation {transformation} is {now:g} after it was set to "
                f"{size:g}",
                "somebody else sets it; try again",
            )

    def delete_transformation(self, transformation: int) -> bool:
        """See :meth:`ProductionGateway.delete_transformation`."""
        try:
            self._status_and_size(transformation)
        except NotFound:
            return False
        self._ts("deleteTransformation", transformation)
        try:
            self._status_and_size(transformation)
        except NotFound:
            return True
        raise GatewayRejected(
            f"transformation {transformation} is still there after it was deleted",
            "see the log of the TransformationManager",
        )

    def attached_share(self, transformation: int, states: Sequence[str]) -> FileShare:
        """See :meth:`ProductionGateway.attached_share`."""
        lfns = [file.lfn for file in self.attached_files(transformation, states)]
        return FileShare(len(lfns), self.size_of(lfns))

    def input_query(self, transformation: int) -> MetaQuery | None:
        """See :meth:`ProductionGateway.input_query`."""
        return self._our_query(transformation, "Input")

    def output_query(self, transformation: int) -> MetaQuery | None:
        """See :meth:`ProductionGateway.output_query`."""
        return self._our_query(transformation, "Output")

    def _our_query(self, transformation: int, kind: str) -> MetaQuery | None:
        form = self._query(transformation, kind)
        try:
            return self._read_back(form) if form else None
        except MetaQueryError:
            return None

    def output_share(self, transformation: int) -> FileShare:
        """See :meth:`ProductionGateway.output_share`."""
        field, lfns = self._transformation_field(), []
        if not self._unknown_fields([field], True):
            lfns = self._fc("findFilesByMetadata", {field: transformation}, "/")
        query = self._query(transformation, "Output")
        outputs = self.count_files(MetaQuery.from_dirac(query)) if query else 0
        return FileShare(len(lfns), self.size_of(lfns), staying=max(0, outputs - len(lfns)))

    def _page(self, where: dict[str, Any], offset: int) -> list[dict[str, Any]]:
        by = "TransformationID:ASC"
        arguments = (where, None, None, "CreationDate", by, PAGE, False, offset, _COLUMNS)
        return list(self._ts("getTransformations", *arguments))

    def _listed(self, row: Mapping[str, Any]) -> Listed:
        group = str(row["AuthorGroup"] or "")
        return Listed(
            id=int(row["TransformationID"]),
            name=str(row["TransformationName"]),
            type=str(row["Type"]),
            plugin=str(row["Plugin"]),
            status=str(row["Status"]),
            group=str(row["TransformationGroup"] or ""),
            author_group=group,
            vo=self._vo_of(group),
            events_per_task=int(row["EventsPerTask"] or 0),
            created=str(row["CreationDate"] or "")[:_TO_SECONDS],
        )

    def _status_and_size(self, transformation: int) -> tuple[TransformationStatus, float]:
        columns = ["TransformationID", "Status", "GroupSize"]
        where = {"TransformationID": [transformation]}
        arguments = (where, None, None, "CreationDate", None, None, False, None, columns)
        rows = self._ts("getTransformations", *arguments)
        if not rows:
            raise NotFound(f"there is no transformation {transformation}", "it was deleted")
        return TransformationStatus(rows[0]["Status"]), float(rows[0]["GroupSize"] or 0)


def _same(one: float, other: float) -> bool:
    # the column is a FLOAT of 24 bits
    return math.isclose(one, other, rel_tol=1e-6)
