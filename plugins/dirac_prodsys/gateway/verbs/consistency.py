"""Implements the verbs about tasks with their files, in calls of the TransformationManager.

Invariant: read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dirac_prodsys.core.grid.status import FINAL_TASKS, TaskStatus
from dirac_prodsys.core.recovery.consistency import LiveTask
from dirac_prodsys.core.recovery.decisions import TaskState
from dirac_prodsys.gateway.verbs.services import ServiceCalls

_LIVE = [str(status) for status in TaskStatus if status not in FINAL_TASKS]


class ConsistencyVerbs(ServiceCalls):
    """Implements the verb of :class:`ProductionGateway` about live tasks."""

    def live_tasks(self, transformation: int, limit: int) -> list[LiveTask]:
        """See :meth:`ProductionGateway.live_tasks`."""
        where = {"TransformationID": transformation, "ExternalStatus": _LIVE}
        arguments = (where, None, None, "CreationTime", "TaskID", limit, True)
        rows = self._ts("getTransformationTasks", *arguments)
        now = datetime.now(UTC).replace(
            tzinfo=None
        )  # the service's times are UTC without a time zone
        return [_live(row, now) for row in rows]


def _live(row: Mapping[str, Any], now: datetime) -> LiveTask:
    job, since = str(row["ExternalID"] or "0"), row.get("LastUpdateTime")
    files = str(row.get("InputVector") or "")
    return LiveTask(
        task=TaskState(
            int(row["TaskID"]), str(row["ExternalStatus"]), int(job) if job.isdigit() else 0
        ),
        lfns=tuple(lfn for lfn in files.split(";") if lfn),
        age=max(0.0, (now - since).total_seconds()) if isinstance(since, datetime) else 0.0,
    )
