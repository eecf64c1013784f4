"""Implements the verbs that read and set the state of transformations, and read their progress.

Invariant: a state is read before it is set and read back after it, with the log of all states that
were set. A state that somebody else set in between is put back if it wins
(``core/grid/precedence.py``). The Transformation System itself guards nothing: any state may follow
any other (``TransformationDB.py``, 9.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dirac_prodsys.core.grid.precedence import since, that_stands, to_mend, wins
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    NOTHING_TO_CLEAN,
    REMOVED_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.errors import GatewayRejected, NotFound, TransformationFailed
from dirac_prodsys.gateway.records import STATUS_LOGGED, LogLine
from dirac_prodsys.gateway.verbs import output_directories
from dirac_prodsys.gateway.verbs.job_killing import kill_jobs
from dirac_prodsys.gateway.verbs.services import ServiceCalls, chunks

#: IDs in one call of :meth:`TransformationStates.snapshot`
SNAPSHOT_CHUNK = 10_000

#: columns that identify a transformation
SUMMARY = ["TransformationID", "TransformationName", "Type", "Status"]

#: types that the cleaning agent archives (``DataManipulation``), as they make no files
_NEVER_CLEANED = frozenset({"Replication", "Removal"})

_TO_BE_CLEANED = f"{STATUS_LOGGED}{TransformationStatus.CLEANING}"

#: most looks at a state that others keep changing
_LOOKS = 5

_SNAPSHOT = [*SUMMARY, "GroupSize", "AgentType", "MaxNumberOfTasks"]


@dataclass(frozen=True)
class _Seen:
    """A state, and every state that the transformation had been set to before."""

    status: TransformationStatus
    changes: tuple[str, ...]


class TransformationStates(ServiceCalls):
    """Implements the verbs of :class:`ProductionGateway` about the state of transformations."""

    def start_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.start_transformation`.

        :raises TransformationFailed: the transformation was cleaned or deleted, possibly meanwhile.
        """
        self._activate(transformation, TransformationStatus.NEW)

    def resume_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.resume_transformation`.

        :raises TransformationFailed: the transformation was cleaned or deleted, possibly meanwhile.
        """
        self._activate(transformation, TransformationStatus.STOPPED)

    def _activate(self, transformation: int, expected: TransformationStatus) -> None:
        seen = self._seen(transformation)
        self._refuse_removed(transformation, seen.status, "started")
        if seen.status == expected:
            # else no agent would submit tasks: a stop sets it to Manual, and productions create
            # their steps as Manual (TransformationClient.py, ProductionStep.py)
            self._ts("setTransformationParameter", transformation, "AgentType", "Automatic")
            now = self._set_status(transformation, TransformationStatus.ACTIVE, seen)
            self._refuse_removed(transformation, now, "started")

    def stop_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.stop_transformation`."""
        seen = self._seen(transformation)
        if seen.status in (
            TransformationStatus.ACTIVE,
            TransformationStatus.IDLE,
            TransformationStatus.FLUSH,
        ):
            self._set_status(transformation, TransformationStatus.STOPPED, seen)

    def flush_transformation(self, transformation: int) -> bool:
        """See :meth:`ProductionGateway.flush_transformation`."""
        seen = self._seen(transformation)
        if seen.status != TransformationStatus.ACTIVE:
            return False
        # the TransformationAgent may have flushed, and be back at Active, before we read it back
        now = self._set_status(transformation, TransformationStatus.FLUSH, seen)
        return not wins(now, TransformationStatus.FLUSH)

    def complete_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.complete_transformation`."""
        seen = self._seen(transformation)
        self._refuse_removed(transformation, seen.status, "completed")
        if seen.status not in ENDED_TRANSFORMATION:
            now = self._set_status(transformation, TransformationStatus.COMPLETED, seen)
            self._refuse_removed(transformation, now, "completed")

    def clean_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.clean_transformation`."""
        seen = self._seen(transformation)
        if seen.status == TransformationStatus.CLEANING or seen.status not in NOTHING_TO_CLEAN:
            self._let_it_be_cleaned(transformation)
        if seen.status not in NOTHING_TO_CLEAN:
            self._end_jobs(transformation)
            self._set_status(transformation, TransformationStatus.CLEANING, seen)
            self._end_jobs(transformation)  # jobs that were submitted meanwhile

    def _end_jobs(self, transformation: int) -> None:
        """Kill the jobs; not for requests: the agent does not end them twice."""
        rows = self._rows({"TransformationID": [transformation]}, SUMMARY)
        if rows and str(rows[0]["Type"]) not in _NEVER_CLEANED:
            kill_jobs(self.services, transformation)

    def put_back(self, transformation: int, wrote: str, before: Sequence[str]) -> str:
        """See :meth:`ProductionGateway.put_back`."""
        seen = self._seen(transformation)
        lost = to_mend(wrote, seen.status, since(before, seen.changes))
        if lost:
            return str(self._set_status(transformation, TransformationStatus(lost), seen))
        return str(seen.status)

    def status_changes(self, transformation: int) -> tuple[str, ...]:
        """See :meth:`ProductionGateway.status_changes`."""
        messages = (line.text for line in self.log_of(transformation))
        return tuple(m.removeprefix(STATUS_LOGGED) for m in messages if m.startswith(STATUS_LOGGED))

    def log_of(self, transformation: int) -> tuple[LogLine, ...]:
        """See :meth:`ProductionGateway.log_of`."""
        rows = self._ts("getTransformationLogging", transformation)
        return tuple(
            LogLine(
                str(line["Message"]),
                str(line.get("Author") or ""),
                seconds_of(line.get("MessageDate")),
            )
            for line in rows
        )

    def _seen(self, transformation: int) -> _Seen:
        """Return its state, and all states set up to it and none set after it."""
        status, changes = TransformationStatus.UNKNOWN, self.status_changes(transformation)
        for _ in range(_LOOKS):
            # a state read between two equal looks at the log fits both
            status = self._status(transformation)
            again = self.status_changes(transformation)
            if len(again) == len(changes):
                break
            changes = again
        return _Seen(status, changes)

    def _let_it_be_cleaned(self, transformation: int) -> None:
        """Set what the agent needs, if others or an older version of ours made it."""
        name = output_directories.PARAMETER
        if name not in self._ts("getTransformation", transformation, True):
            self._ts("setTransformationParameter", transformation, name, output_directories.NONE)

    def _status(self, transformation: int) -> TransformationStatus:
        rows = self._rows({"TransformationID": [transformation]}, SUMMARY)
        if not rows:
            raise NotFound(
                f"there is no transformation {transformation}", "it was deleted in DIRAC"
            )
        return TransformationStatus(rows[0]["Status"])

    def _set_status(
        self, transformation: int, status: TransformationStatus, seen: _Seen
    ) -> TransformationStatus:
        """Set the state, and put back a state set meanwhile that wins; return the final state.

        DIRAC cannot set a state only if the current one is still the one that was read.
        """
        wrote = status
        for _ in range(_LOOKS):
            self._ts("setTransformationParameter", transformation, "Status", str(wrote))
            new = since(seen.changes, self.status_changes(transformation))
            now = self._status(transformation)
            wrote = TransformationStatus(that_stands(status, now, new))
            if wrote == now:
                break
        if now == seen.status != status and len(self.status_changes(transformation)) <= len(
            (*seen.changes, status)
        ):
            raise GatewayRejected(
                f"transformation {transformation} is still {now} after it was set to {status}",
                "something else sets it back: an agent, or a person",
            )
        return now

    def _refuse_removed(self, transformation: int, status: TransformationStatus, verb: str) -> None:
        if status in REMOVED_TRANSFORMATION:
            raise TransformationFailed(
                f"transformation {transformation} is {status} and cannot be {verb}",
                "somebody removed it in DIRAC; to begin anew, clear all tasks of the step's group",
            )

    def snapshot(self, transformations: Sequence[int]) -> dict[int, Snapshot]:
        """See :meth:`ProductionGateway.snapshot`."""
        found: dict[int, Snapshot] = {}
        for chunk in chunks(sorted(set(transformations)), SNAPSHOT_CHUNK):
            rows = self._rows({"TransformationID": chunk}, _SNAPSHOT)
            files, failed = self._file_counters(chunk)
            tasks = self._counters("TransformationTasks", "ExternalStatus", chunk)
            for row in rows:
                identifier = int(row["TransformationID"])
                found[identifier] = Snapshot(
                    id=identifier,
                    name=str(row["TransformationName"]),
                    type=str(row["Type"]),
                    status=self._effective_status(row),
                    files=files.get(identifier, {}),
                    tasks=tasks.get(identifier, {}),
                    group_size=float(row["GroupSize"] or 0),
                    agent_type=str(row["AgentType"] or ""),
                    max_tasks=int(row["MaxNumberOfTasks"] or 0),
                    failed_files=failed.get(identifier, {}),
                    reset_limit=self._reset_limit(),
                )
        return found

    def _effective_status(self, row: Mapping[str, Any]) -> TransformationStatus:
        """Return its state; Cleaned if it is Archived because it was cleaned.

        The cleaning agent archives data management instead of cleaning it. It also archives what
        was complete a while ago (``TransformationCleaningAgent._executeClean``, 9.1).
        """
        status = TransformationStatus(row["Status"])
        if status is not TransformationStatus.ARCHIVED or str(row["Type"]) not in _NEVER_CLEANED:
            return status
        rows = self._ts("getTransformationLogging", int(row["TransformationID"]))
        cleaned = any(str(line["Message"]) == _TO_BE_CLEANED for line in rows)
        return TransformationStatus.CLEANED if cleaned else status

    def _file_counters(
        self, chunk: list[int]
    ) -> tuple[dict[int, dict[str, int]], dict[int, dict[str, dict[int, int]]]]:
        """Return files by status, and files that ever failed by status and ErrorCount; one call."""
        by = ["TransformationID", "Status", "ErrorCount"]
        files: dict[int, dict[str, int]] = {}
        failed: dict[int, dict[str, dict[int, int]]] = {}
        where = {"TransformationID": chunk}
        for key, count in self._ts("getCounters", "TransformationFiles", by, where):
            number, status = int(key["TransformationID"]), str(key["Status"])
            words = files.setdefault(number, {})
            words[status] = words.get(status, 0) + int(count)
            if failures := int(key["ErrorCount"] or 0):
                of_status = failed.setdefault(number, {}).setdefault(status, {})
                of_status[failures] = of_status.get(failures, 0) + int(count)
        return files, failed

    def _counters(self, table: str, field: str, chunk: list[int]) -> dict[int, dict[str, int]]:
        where = {"TransformationID": chunk}
        counts: dict[int, dict[str, int]] = {}
        for key, count in self._ts("getCounters", table, ["TransformationID", field], where):
            counts.setdefault(int(key["TransformationID"]), {})[str(key[field])] = int(count)
        return counts

    def _rows(self, where: dict[str, Any], columns: list[str]) -> list[dict[str, Any]]:
        arguments = (where, None, None, "CreationDate", None, None, False, None, columns)
        rows: list[dict[str, Any]] = list(self._ts("getTransformations", *arguments))
        return rows


def seconds_of(moment: Any) -> float:
    """Return seconds since the epoch for a time of the service, in UTC; 0 if it is no time."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return 0.0
    if not isinstance(moment, datetime):
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
