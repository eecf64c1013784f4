"""The verbs about transformations, in calls of ``Transformation/TransformationManager``.

Invariant: every verb reads before it writes and reads back what it wrote, so that it may be
repeated after a crash at any call. The Transformation System itself guards nothing: names are
checked but not enforced, any status may follow any other, and creation is not atomic
(``TransformationDB.py``, 9.1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from dirac_prodsys.core import run_ranges
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.core.specs import BodySpec, TransformationSpec
from dirac_prodsys.core.status import (
    ENDED_TRANSFORMATION,
    NOTHING_TO_CLEAN,
    REMOVED_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.errors import Conflict, GatewayRejected, NotFound, TransformationFailed
from dirac_prodsys.gateway.protocol import TransformationRecord
from dirac_prodsys.gateway.services import TRANSFORMATIONS, Services
from dirac_prodsys.gateway.stored import Stored, differences, unfinished

#: IDs asked for in one call of :meth:`TransformationVerbs.snapshot`
SNAPSHOT_CHUNK = 10_000

#: names asked for in one call
NAME_CHUNK = 1000

#: tasks asked for in one call: the service inserts them one by one, and must answer in time
TASK_CHUNK = 200

#: characters of a condition that DIRAC can read back
CONDITION_WIDTH = 2048

_SUMMARY = ["TransformationID", "TransformationName", "Type", "Status"]
_SNAPSHOT = [*_SUMMARY, "GroupSize", "AgentType", "MaxNumberOfTasks"]


class TransformationVerbs:
    """Mix-in: what :class:`ProductionGateway` says about transformations."""

    services: Services

    #: seconds between two equal counts of tasks that make the count stable
    settle_seconds = 0.2

    def _render(self, body: BodySpec) -> str:
        """The body as the Transformation System stores it; equal specs give equal text."""
        raise NotImplementedError

    def _check_fields(self, query: MetaQuery) -> None:
        """Refuse fields that the catalogue does not know; :class:`CatalogueVerbs` does it."""
        raise NotImplementedError

    def _refuse_used_runs(self, spec: TransformationSpec) -> None:
        """Refuse run numbers that are used; :class:`RunVerbs` does this and the next."""
        raise NotImplementedError

    def _claim_runs(self, spec: TransformationSpec, identifier: int) -> None:
        raise NotImplementedError

    def _ts(self, method: str, *arguments: Any) -> Any:
        return self.services.call(TRANSFORMATIONS, method, *arguments)

    # -- look up and create ---------------------------------------------------------------------

    def find_transformation(self, name: str) -> TransformationRecord | None:
        """See :meth:`ProductionGateway.find_transformation`.

        :raises Conflict: several transformations have the name.
        """
        return self.find_transformations([name]).get(name)

    def find_transformations(self, names: Sequence[str]) -> dict[str, TransformationRecord]:
        """See :meth:`ProductionGateway.find_transformations`."""
        found: dict[str, TransformationRecord] = {}
        wanted = sorted(set(names))
        for start in range(0, len(wanted), NAME_CHUNK):
            chunk = wanted[start : start + NAME_CHUNK]
            for row in self._rows({"TransformationName": chunk}, _SUMMARY):
                name, number = str(row["TransformationName"]), int(row["TransformationID"])
                if name not in chunk:  # the database compares without regard to case
                    continue
                if name in found:
                    raise Conflict(
                        f"several transformations are named {name}: {found[name].id}, {number}",
                        "keep one of them: clean or rename the others in DIRAC",
                    )
                found[name] = TransformationRecord(number, name, str(row["Status"]))
        return found

    def create_transformation(self, spec: TransformationSpec) -> TransformationRecord:
        """See :meth:`ProductionGateway.create_transformation`."""
        _check_name(spec.name)
        for query in (spec.input_query, spec.output_query):
            if query is not None:
                self._check_fields(query)
                _check_lengths(query)
        body = self._render(spec.body)
        found = self.find_transformation(spec.name)
        if found is not None:
            stored = self._stored(found.id)
            if not unfinished(spec, body, stored):
                return self._adopt(spec, body, stored)
            # whoever created it died in the middle; the rest cannot be added piece by piece, as
            # the service's own file filter takes the input query from the creating call alone
            self._ts("deleteTransformation", found.id)
        self._refuse_used_runs(spec)
        identifier = self._add(spec, body)
        created = self.find_transformation(spec.name)
        if created is None or created.id != identifier:
            raise GatewayRejected(
                f"{spec.name} was created as {identifier} and is not found by its name",
                "somebody removed it meanwhile; create it again",
            )
        return self._adopt(spec, body, self._stored(identifier), adopted=False)

    def _add(self, spec: TransformationSpec, body: str) -> int:
        """One addTransformation.

        Files are not added here: a failing catalogue query would leave the row behind and report an
        error. The InputDataAgent attaches them once the transformation is Active.
        """
        identifier = self._ts(
            "addTransformation",
            spec.name,
            spec.description[:255],
            spec.description,
            spec.type,
            spec.plugin,
            spec.agent_type,
            "",  # FileMask: stored, never evaluated
            spec.group,
            spec.group_size,
            0,  # InheritedFrom
            body,
            spec.max_tasks,  # 0: the MCExtensionAgent must not add tasks beside ours
            spec.events_per_task,
            False,
            spec.input_query.to_dirac() if spec.input_query else None,
            spec.output_query.to_dirac() if spec.output_query else None,
        )
        # a failed insert of a meta query is answered with "OK" and no ID
        if isinstance(identifier, bool) or not isinstance(identifier, int):
            raise GatewayRejected(
                f"addTransformation({spec.name}) reported success without an ID ({identifier!r})",
                "the service could not store the meta queries and removed the transformation; "
                "see its log",
            )
        return identifier

    def _adopt(
        self, spec: TransformationSpec, body: str, stored: Stored, *, adopted: bool = True
    ) -> TransformationRecord:
        differing = self._differing(spec, body, stored)
        if differing:
            listed = "".join(f"\n  {line}" for line in differing)
            raise Conflict(
                f"transformation {stored.id} {spec.name} is not what is asked for:{listed}",
                "use another production name or run, or clean the old transformation",
            )
        if run_ranges.PARAMETER not in stored.parameters:
            self._claim_runs(spec, stored.id)
        missing = {k: v for k, v in spec.parameters.items() if k not in stored.parameters}
        for name, value in missing.items():
            self._ts("setTransformationParameter", stored.id, name, value)
        if missing:
            kept = self._stored(stored.id).parameters
            lost = [name for name in missing if str(kept.get(name)) != str(missing[name])]
            if lost:
                raise GatewayRejected(
                    f"transformation {stored.id} did not keep the parameters {', '.join(lost)}",
                    "parameter names are at most 32 letters",
                )
        return TransformationRecord(stored.id, spec.name, stored.status, adopted)

    def _differing(self, spec: TransformationSpec, body: str, stored: Stored) -> list[str]:
        """What keeps it from being adopted, a line each; what a person has set is no difference."""
        differing = differences(spec, body, stored)
        if differing and self._resized(stored.id):
            differing = differences(spec, body, stored, resized=True)
        return differing

    def _resized(self, transformation: int) -> bool:
        """Whether a person has set another group size: DIRAC's own log of it tells."""
        told = self._ts("getTransformationLogging", transformation)
        return any(str(line["Message"]).startswith("GroupSize updated to") for line in told)

    def _stored(self, transformation: int) -> Stored:
        row = self._ts("getTransformation", transformation, True)
        return Stored.from_row(
            row,
            input_query=self._query(transformation, "Input"),
            output_query=self._query(transformation, "Output"),
        )

    def _query(self, transformation: int, kind: str) -> Mapping[str, Any] | None:
        try:
            query = self._ts("getTransformationMetaQuery", transformation, kind)
        except (NotFound, GatewayRejected) as error:
            if "No MetaQuery found" in error.reason:
                return None
            raise
        return dict(query)

    # -- tasks ----------------------------------------------------------------------------------

    def ensure_tasks(self, transformation: int, total: int) -> int:
        """See :meth:`ProductionGateway.ensure_tasks`."""
        added = 0
        while (missing := total - self._stable_task_count(transformation)) > 0:
            made = self._ts("extendTransformation", transformation, min(missing, TASK_CHUNK))
            if not made:
                raise GatewayRejected(
                    f"transformation {transformation} was extended and got no task",
                    "see the log of the TransformationManager",
                )
            added += len(made)
        return added

    def _stable_task_count(self, transformation: int) -> int:
        """A service whose client died goes on inserting: wait until it has finished."""
        count = self._task_count(transformation)
        while True:
            time.sleep(self.settle_seconds)
            again = self._task_count(transformation)
            if again == count:
                return count
            count = again

    def _task_count(self, transformation: int) -> int:
        where = {"TransformationID": [transformation]}
        counters = self._ts("getCounters", "TransformationTasks", ["TransformationID"], where)
        return sum(int(count) for _, count in counters)

    # -- status ---------------------------------------------------------------------------------

    def start_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.start_transformation`.

        :raises TransformationFailed: the transformation was cleaned or deleted.
        """
        status = self._status(transformation)
        self._refuse_removed(transformation, status, "started")
        if status not in (TransformationStatus.NEW, TransformationStatus.STOPPED):
            return
        # else no agent would submit tasks: a stop sets it to Manual, and so do productions whose
        # steps are created so (TransformationClient.py, ProductionStep.py)
        self._ts("setTransformationParameter", transformation, "AgentType", "Automatic")
        self._set_status(transformation, TransformationStatus.ACTIVE, was=status)

    def stop_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.stop_transformation`."""
        status = self._status(transformation)
        if status in (
            TransformationStatus.ACTIVE,
            TransformationStatus.IDLE,
            TransformationStatus.FLUSH,
        ):
            self._set_status(transformation, TransformationStatus.STOPPED, was=status)

    def flush_transformation(self, transformation: int) -> bool:
        """See :meth:`ProductionGateway.flush_transformation`."""
        status = self._status(transformation)
        if status != TransformationStatus.ACTIVE:
            return False
        # the TransformationAgent may have flushed, and be back at Active, before we read it back
        self._ts("setTransformationParameter", transformation, "Status", "Flush")
        self._status(transformation)
        return True

    def complete_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.complete_transformation`."""
        status = self._status(transformation)
        self._refuse_removed(transformation, status, "completed")
        if status not in ENDED_TRANSFORMATION:
            self._set_status(transformation, TransformationStatus.COMPLETED, was=status)

    def clean_transformation(self, transformation: int) -> None:
        """See :meth:`ProductionGateway.clean_transformation`."""
        status = self._status(transformation)
        if status not in NOTHING_TO_CLEAN:
            self._set_status(transformation, TransformationStatus.CLEANING, was=status)

    def _status(self, transformation: int) -> TransformationStatus:
        rows = self._rows({"TransformationID": [transformation]}, _SUMMARY)
        if not rows:
            raise NotFound(
                f"there is no transformation {transformation}", "it was deleted in DIRAC"
            )
        return TransformationStatus(rows[0]["Status"])

    def _set_status(
        self, transformation: int, status: TransformationStatus, *, was: TransformationStatus
    ) -> None:
        self._ts("setTransformationParameter", transformation, "Status", str(status))
        now = self._status(transformation)
        if now == was and now != status:
            raise GatewayRejected(
                f"transformation {transformation} is still {now} after it was set to {status}",
                "something else sets it back: an agent, or a person",
            )

    def _refuse_removed(self, transformation: int, status: TransformationStatus, verb: str) -> None:
        if status in REMOVED_TRANSFORMATION:
            raise TransformationFailed(
                f"transformation {transformation} is {status} and cannot be {verb}",
                "somebody removed it in DIRAC; to begin anew, clear the step's task 'create'",
            )

    # -- progress -------------------------------------------------------------------------------

    def snapshot(self, transformations: Sequence[int]) -> dict[int, Snapshot]:
        """See :meth:`ProductionGateway.snapshot`."""
        found: dict[int, Snapshot] = {}
        for chunk in _chunks(sorted(set(transformations)), SNAPSHOT_CHUNK):
            rows = self._rows({"TransformationID": chunk}, _SNAPSHOT)
            files = self._counters("TransformationFiles", "Status", chunk)
            tasks = self._counters("TransformationTasks", "ExternalStatus", chunk)
            for row in rows:
                identifier = int(row["TransformationID"])
                found[identifier] = Snapshot(
                    id=identifier,
                    name=str(row["TransformationName"]),
                    type=str(row["Type"]),
                    status=TransformationStatus(row["Status"]),
                    files=files.get(identifier, {}),
                    tasks=tasks.get(identifier, {}),
                    group_size=float(row["GroupSize"] or 0),
                    agent_type=str(row["AgentType"] or ""),
                    max_tasks=int(row["MaxNumberOfTasks"] or 0),
                )
        return found

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


def _check_name(name: str) -> None:
    """Refuse names that the Transformation System would take for something else."""
    if not name or len(name) > 255:
        raise GatewayRejected(
            f"a transformation name has 1 to 255 characters, {name[:40]!r}… has {len(name)}",
            "shorten the names of production and step",
        )
    if name.strip().isdigit():
        raise GatewayRejected(
            f"the name {name!r} is a number, which DIRAC takes for an ID", "add a letter to it"
        )


def _check_lengths(query: MetaQuery) -> None:
    """Refuse conditions that the service stores and can never read again (``SaferEval.py``).

    It reads the queries of all transformations when it deletes one and when it starts, so that one
    such condition stops the whole Transformation System.
    """
    for name, condition in query.to_dirac().items():
        if len(str(condition)) > CONDITION_WIDTH:
            raise GatewayRejected(
                f"the condition on {name} has {len(str(condition))} characters, DIRAC reads "
                f"{CONDITION_WIDTH}",
                "select by another metadata field instead of by a long list",
            )


def _chunks(items: Sequence[int], size: int) -> Iterator[list[int]]:
    rest = iter(items)
    take: Callable[[], list[int]] = lambda: list(islice(rest, size))  # noqa: E731
    return iter(take, [])
