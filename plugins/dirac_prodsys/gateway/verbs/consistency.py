"""Implements the verbs about tasks with their files, in calls of the TransformationManager.

Invariant: read-only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dirac_prodsys.core.grid.status import FINAL_TASKS, TaskStatus
from dirac_prodsys.core.recovery.consistency import LiveTask
from dirac_prodsys.core.recovery.decisions import TaskState
from dirac_prodsys.gateway.verbs.services import ServiceCalls, chunks

#: tasks in one call; the service looks up the files of each separately
_TASK_CHUNK = 500

_LIVE = [str(status) for status in TaskStatus if status not in FINAL_TASKS]


class ConsistencyVerbs(ServiceCalls):
    """Implements the verbs of :class:`ProductionGateway` about tasks with their files."""

    def live_tasks(self, transformation: int, limit: int) -> list[LiveTask]:
        """See :meth:`ProductionGateway.live_tasks`."""
        where = {"TransformationID": transformation, "ExternalStatus": _LIVE}
        arguments = (where, None, None, "CreationTime", "TaskID", limit, True)
        rows = self._ts("getTransformationTasks", *arguments)
        now = self._utc_now()
        return [_live(row, now) for row in rows]

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
