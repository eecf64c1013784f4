"""Implements what doctor asks a gateway, in calls that DIRAC allows to every user.

The rules are those of ``ConfigTemplate.cfg`` of each system (9.1): TransformationManager,
ReqManager and ProxyManager answer any authenticated user, ComponentMonitoring its ``get…`` calls.
SystemAdministrator, which knows the processes, answers administrators only and is not asked; nor
is Monitoring, whose ``getLimitedData`` fails on records of agents.

Invariant: every call is bounded: a page of transformations, one row of what is oldest or newest.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dirac_prodsys.core.doctor.facts import (
    Caller,
    LiveTransformation,
    RequestTraces,
    ServiceAnswer,
    TaskTraces,
)
from dirac_prodsys.core.grid.status import (
    WORKING_TRANSFORMATION,
    FileStatus,
    TaskStatus,
    TransformationStatus,
)
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected, MetaQueryError
from dirac_prodsys.gateway.verbs.replies import packed_value
from dirac_prodsys.gateway.verbs.services import REQUESTS, TRANSFORMATIONS
from dirac_prodsys.gateway.verbs.states import seconds_of
from dirac_prodsys.gateway.verbs.transformations import TransformationVerbs

#: service that knows which components are installed where
COMPONENTS = "Framework/ComponentMonitoring"
#: service that keeps the proxies in whose name agents act
PROXIES = "Framework/ProxyManager"

#: transformations that are looked at, the last changed first
MOST = 1000

_LIVE = sorted(
    map(
        str,
        (
            *WORKING_TRANSFORMATION,
            TransformationStatus.STOPPED,
            TransformationStatus.CLEANING,
            TransformationStatus.REMOVING_FILES,
        ),
    )
)
#: states to which the cleaning agent sets a transformation
_CLEANED = [str(TransformationStatus.CLEANED), str(TransformationStatus.ARCHIVED)]
_COLUMNS = [
    *("TransformationID", "TransformationName", "Type", "Plugin", "Status", "AgentType"),
    *("GroupSize", "MaxNumberOfTasks", "LastUpdate"),
]
_CREATED = str(TaskStatus.CREATED)
_LEFT = sorted(str(status) for status in TaskStatus if status != TaskStatus.CREATED)
#: states in which a request has ended (``Request.FINAL_STATES``, 9.1)
_ENDED_REQUESTS = ["Done", "Failed", "Canceled"]
_NOBODY = "No matching Installations"


class GridExaminationVerbs(TransformationVerbs):
    """Implements the verbs of :class:`ExaminationVerbs` that ask services."""

    def caller(self) -> Caller:
        """See :meth:`ExaminationVerbs.caller`."""
        who = self.services.call(TRANSFORMATIONS, "whoami")
        properties = who.get("properties") or ()
        return Caller(
            str(who.get("username", "")),
            str(who.get("group", "")),
            str(who.get("VO", "")),
            frozenset(map(str, properties)),
        )

    def service_answer(self, service: str) -> ServiceAnswer:
        """See :meth:`ExaminationVerbs.service_answer`."""
        asked = time.time()
        pong = self.services.call(service, "ping")
        clock = seconds_of(pong.get("time"))
        return ServiceAnswer(str(pong.get("version", "")), clock, asked, time.time())

    def delegated_until(self) -> float:
        """See :meth:`ExaminationVerbs.delegated_until`."""
        ends = self.services.call(PROXIES, "getUserProxiesInfo").values()
        return max((seconds_of(moment) for moment in ends), default=0.0)

    def live_transformations(self) -> tuple[LiveTransformation, ...]:
        """See :meth:`ExaminationVerbs.live_transformations`."""
        order = ("LastUpdate", "LastUpdate:DESC", MOST, False, None, _COLUMNS)
        rows = self._ts("getTransformations", {"Status": _LIVE}, None, None, *order)
        return tuple(
            LiveTransformation(
                id=int(row["TransformationID"]),
                name=str(row["TransformationName"]),
                type=str(row["Type"]),
                plugin=str(row["Plugin"]),
                status=str(row["Status"]),
                agent_type=str(row["AgentType"]),
                group_size=float(row["GroupSize"] or 0),
                max_tasks=int(row["MaxNumberOfTasks"] or 0),
                changed=seconds_of(row["LastUpdate"]),
            )
            for row in rows
        )

    def task_traces(self, transformations: Sequence[int], before: float) -> TaskTraces:
        """See :meth:`ExaminationVerbs.task_traces`."""
        if not transformations:
            return TaskTraces()
        of = {"TransformationID": list(transformations)}
        created = {**of, "ExternalStatus": [_CREATED]}
        late = ("getCounters", "TransformationTasks", ["ExternalStatus"], created)
        counts = self._ts(*late, _text(before), None, "CreationTime")
        return TaskTraces(
            waiting=sum(int(count) for _, count in counts),
            oldest=self._task(created, "CreationTime", "ASC"),
            made=self._task(of, "CreationTime", "DESC"),
            moved=self._task({**of, "ExternalStatus": _LEFT}, "LastUpdateTime", "DESC"),
        )

    def _task(self, where: Mapping[str, Any], column: str, order: str) -> float:
        """Return the time of the first task in an order; 0 if there is none."""
        asked = (dict(where), None, None, column, f"{column}:{order}", 1)
        rows = self._ts("getTransformationTasks", *asked)
        return seconds_of(rows[0][column]) if rows else 0.0

    def newest_attached(self, transformations: Sequence[int]) -> float:
        """See :meth:`ExaminationVerbs.newest_attached`."""
        if not transformations:
            return 0.0
        where = {"TransformationID": list(transformations)}
        order = ("LastUpdate", "InsertedTime:DESC", 1, None, ["InsertedTime"])
        text = self._ts("getTransformationFiles", where, None, None, *order)
        rows = packed_value(text, f"{TRANSFORMATIONS}.getTransformationFiles")
        return _packed_time(rows[0]["InsertedTime"]) if rows else 0.0

    def newest_cleaned(self) -> float:
        """See :meth:`ExaminationVerbs.newest_cleaned`."""
        order = ("LastUpdate", "LastUpdate:DESC", 1, False, None, ["LastUpdate"])
        rows = self._ts("getTransformations", {"Status": _CLEANED}, None, None, *order)
        return seconds_of(rows[0]["LastUpdate"]) if rows else 0.0

    def unused_files(self, transformations: Sequence[int], before: float) -> Mapping[int, int]:
        """See :meth:`ExaminationVerbs.unused_files`."""
        if not transformations:
            return {}
        where = {"TransformationID": list(transformations), "Status": [str(FileStatus.UNUSED)]}
        asked = ("getCounters", "TransformationFiles", ["TransformationID"], where)
        counts = self._ts(*asked, _text(before), None, "LastUpdate")
        return {int(row["TransformationID"]): int(count) for row, count in counts}

    def unattached_files(self, transformation: int, before: float) -> int:
        """See :meth:`ExaminationVerbs.unattached_files`."""
        try:
            form = self._query(transformation, "Input")
            if form is None:
                return 0
            query = MetaQuery.from_dirac(form)
            where = {"TransformationID": [transformation]}
            counts = self._ts("getCounters", "TransformationFiles", ["TransformationID"], where)
            attached = sum(int(count) for _, count in counts)
            if self.count_files(query) <= attached:
                return 0
            # the answer lists all files: it is asked for only if some are not attached
            old = query.refine(MetaQuery.parse({"CreationDate": {"<": _text(before)}}))
            return max(0, self.count_files(old) - attached)
        except (MetaQueryError, GatewayRejected):  # the query is not one of ours
            return 0

    def request_traces(self, since: float) -> RequestTraces:
        """See :meth:`ExaminationVerbs.request_traces`."""
        waiting = self.services.call(REQUESTS, "getRequestIDsList", ["Waiting"], 1, "")
        ended = self.services.call(REQUESTS, "getRequestIDsList", _ENDED_REQUESTS, 1, _text(since))
        return RequestTraces(seconds_of(waiting[0][2]) if waiting else 0.0, bool(ended))

    def installed_agents(self) -> frozenset[str]:
        """See :meth:`ExaminationVerbs.installed_agents`."""
        installed, agents = {"UnInstallationTime": None}, {"Type": "agent"}
        try:
            rows = self.services.call(COMPONENTS, "getInstallations", installed, agents, {}, True)
        except GatewayRejected as error:
            if _NOBODY in error.reason:
                return frozenset()
            raise
        return frozenset(str(row["Component"]["DIRACModule"]) for row in rows)


def _text(moment: float) -> str:
    """Write a moment as the database compares it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _packed_time(value: Any) -> float:
    """Read a time as DIRAC packs it into JSON (``JEncode.py``, 9.1), or as it is."""
    if isinstance(value, Mapping):
        value = value.get("obj", "")
    return seconds_of(value)
