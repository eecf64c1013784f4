"""Implements the gateway without a grid: the same verbs, answered by :class:`MemoryGrid`.

Grids live as long as the process and are found by name, so that every hook, operator and trigger
with the same connection uses the same one. A grid opened by a connection moves its clock by
``poll_interval`` at every look, so that ``dag.test()`` ends. A grid that a test prepares with
:func:`register` moves only when the test moves it.

Invariant: no call leaves this process, and nothing here imports DIRAC.
"""

from __future__ import annotations

import copy
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from dirac_prodsys.core.doctor.facts import Authorities, ProxyFacts, ServiceAnswer
from dirac_prodsys.core.grid.specs import BodySpec, plain
from dirac_prodsys.errors import (
    GatewayDenied,
    GatewayError,
    GatewayRejected,
    GatewayUnavailable,
)
from dirac_prodsys.gateway.memory.answers import ServiceError
from dirac_prodsys.gateway.memory.columns import moment
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.jobs import MemoryJobs
from dirac_prodsys.gateway.memory.productions import MemoryProductions
from dirac_prodsys.gateway.memory.requests import MemoryRequests
from dirac_prodsys.gateway.records import Configured, GatewaySettings, Identity, StoredReplica
from dirac_prodsys.gateway.verbs.all_verbs import DiracVerbs
from dirac_prodsys.gateway.verbs.replies import error_of
from dirac_prodsys.gateway.verbs.services import (
    CATALOGUE,
    IN_USE,
    JOB_MANAGER,
    JOBS,
    PRODUCTIONS,
    REQUESTS,
    TRANSFORMATIONS,
)
from dirac_prodsys.gateway.verbs.states import seconds_of
from dirac_prodsys.gateway.verbs.watched_calls import watched_call

#: the caller's group, if the connection names none
DEFAULT_GROUP = "memory_prod"

_grids: dict[str, MemoryGrid] = {}
_lock = threading.RLock()

#: methods that need a production right; every user may read, and write to the catalogue
_WRITES = (
    "addTransformation",
    "deleteTransformation",
    "setTransformationParameter",
    "deleteTransformationParameter",
    "setFileStatusForTransformation",
    "setTaskStatusAndWmsID",
)


def register(name: str, grid: MemoryGrid) -> MemoryGrid:
    """Make ``grid`` the grid of connections with ``config`` = ``name``."""
    with _lock:
        _grids[name] = grid
    return grid


def forget(name: str) -> None:
    """Drop a registered grid."""
    with _lock:
        _grids.pop(name, None)


def open(settings: GatewaySettings) -> MemoryGateway:
    """Return a gateway on the process-wide grid named ``settings.config``, made at first use."""
    with _lock:
        grid = _grids.setdefault(settings.config, MemoryGrid(step=settings.poll_interval))
    return MemoryGateway(grid, settings)


class MemoryServices:
    """The services of a :class:`MemoryGrid`, faults included."""

    def __init__(self, grid: MemoryGrid, settings: GatewaySettings) -> None:
        self.grid = grid
        self.settings = settings
        self.calls: Counter[str] = Counter()

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """See :meth:`Services.call`."""
        name = f"{service}.{method}"
        with watched_call(service), _lock:
            self.calls[name] += 1
            if self.grid.step:
                self.grid.advance(self.grid.step)
            if self.grid.down:
                raise error_of(f"Can't connect to {service}: [Errno 111] refused", name, 111)
            kind = next((f.kind for f in self.grid.faults if f.strikes(method)), None)
            if kind == "crash":
                raise Crash(name)
            if kind == "unavailable":
                raise error_of(f"Can't connect to {service}: [Errno 111] refused", name, 111)
            if kind == "late":
                self._later(service, method, copy.deepcopy(arguments))
            if kind in ("hang", "late"):
                raise GatewayUnavailable(f"{name} gave no answer in {self.settings.timeout:g} s")
            if kind == "denied":
                raise error_of("Unauthorized query", name, 1111)
            try:
                answer = self._serve(service, method, copy.deepcopy(arguments), kind)
            except GatewayError:
                if kind not in ("crash_after", "lost"):
                    raise
                answer = None  # the service refused, and its answer is lost
            if kind == "crash_after":
                raise Crash(name)
            if kind in ("lost", "torn"):
                raise error_of("Peer closed connection", name)
            return copy.deepcopy(answer)

    def _later(self, service: str, method: str, arguments: tuple[Any, ...]) -> None:
        """Let the service do its work after the caller has given up.

        A call for several tasks is served in two halves, because the service inserts tasks one by
        one.
        """
        parts = [arguments]
        if method == "extendTransformation" and arguments[1] > 1:
            number = arguments[1]
            parts = [(arguments[0], number // 2, 0), (arguments[0], number - number // 2, number)]
        for turn, part in enumerate(parts):

            def serve(part: tuple[Any, ...] = part) -> None:
                with suppress(GatewayError):  # the answer is lost
                    self._serve(service, method, part, None)

            self.grid.later(self.settings.timeout * (0.5 + 0.25 * turn), serve)

    def _whoami(self) -> dict[str, Any]:
        group, allowed = self.settings.group or DEFAULT_GROUP, self.grid.production_groups
        properties = ["ProductionManagement"] if not allowed or group in allowed else []
        vo = self.settings.vo or "memory"
        return {"username": "memory", "group": group, "VO": vo, "properties": properties}

    def _serve(self, service: str, method: str, arguments: tuple[Any, ...], kind: Any) -> Any:
        name = f"{service}.{method}"
        self.grid.caller = self.settings.group or DEFAULT_GROUP
        servers = {
            TRANSFORMATIONS: self.grid,
            CATALOGUE: self.grid.catalogue,
            JOBS: MemoryJobs(self.grid),
            JOB_MANAGER: MemoryJobs(self.grid),
            PRODUCTIONS: MemoryProductions(self.grid),
            REQUESTS: MemoryRequests(self.grid),
        }
        if method == "whoami":
            return self._whoami()
        server = servers.get(service)
        serve = getattr(server, f"serve_{method}", None)
        if serve is None:
            raise GatewayRejected(f"{name}: the in-memory grid does not know this call")
        allowed = self.grid.production_groups
        if method in _WRITES and allowed and self.settings.group not in allowed:
            raise error_of("You do not have permissions for transformation", name)
        try:
            if kind == "torn":
                return serve(*arguments, torn=True)
            if kind == "no_id":
                self.grid.serve_deleteTransformation(serve(*arguments))
                return None
            return serve(*arguments)
        except ServiceError as error:
            raise error_of(error.message, name, error.number) from None


class MemoryGateway(DiracVerbs):
    """A :class:`ProductionGateway` on a grid in memory."""

    settle_seconds = 0.0

    def __init__(self, grid: MemoryGrid, settings: GatewaySettings | None = None) -> None:
        self.grid = grid
        self.settings = settings or GatewaySettings(backend="memory")
        self.services: MemoryServices = MemoryServices(grid, self.settings)

    def _pause(self, seconds: float) -> None:
        """Let time pass for the services, and for nothing else of the grid."""
        if self.settle_seconds:
            time.sleep(seconds)
        with _lock:
            self.grid.wait(seconds)

    def _now(self) -> float:
        return time.monotonic() if self.settle_seconds else self.grid.waited

    def _utc_now(self) -> datetime:
        return moment(self.grid.now)

    def ping(self) -> Identity:
        """See :meth:`ProductionGateway.ping`."""
        if self.grid.down:
            raise GatewayUnavailable("the in-memory grid is down")
        group = self.settings.group or DEFAULT_GROUP
        allowed = self.grid.production_groups
        if allowed and group not in allowed:
            raise GatewayDenied(f"group {group} may not produce", "use another group")
        return Identity(
            user="memory",
            group=group,
            vo=self.settings.vo or "memory",
            version=self.grid.version,
            services=dict.fromkeys(IN_USE, self.grid.version),
        )

    def configured_options(self, sections: Sequence[str]) -> dict[str, str]:
        """See :meth:`ProductionGateway.configured_options`."""
        starts = tuple(f"{section}/" for section in sections)
        return {k: value for k, value in self.grid.options.items() if k.startswith(starts)}

    def proxy_facts(self) -> ProxyFacts:
        """See :meth:`ProductionGateway.proxy_facts`."""
        return ProxyFacts("of the in-memory grid", ends=math.inf)

    def authorities(self) -> Authorities:
        """See :meth:`ProductionGateway.authorities`."""
        return Authorities("of the in-memory grid", 1)

    def service_answer(self, service: str) -> ServiceAnswer:
        """See :meth:`ProductionGateway.service_answer`."""
        if self.grid.down:
            raise GatewayUnavailable("the in-memory grid is down")
        if service not in (*IN_USE, JOBS, JOB_MANAGER, PRODUCTIONS, REQUESTS):
            raise GatewayRejected(f"the in-memory grid has no {service}")
        now = seconds_of(moment(self.grid.now))
        return ServiceAnswer("9.1.memory", now, now, now)

    def _on_storage(self, se: str, lfns: Sequence[str]) -> dict[str, StoredReplica | str]:
        found: dict[str, StoredReplica | str] = {}
        for lfn in lfns:
            there = self.grid.catalogue.files[lfn].replicas.get(se)
            found[lfn] = "the file is not" if there is None else StoredReplica(*there)
        return found

    def _fetch(self, lfn: str, limit: int) -> bytes:
        file = self.grid.catalogue.files.get(lfn)
        if self.grid.down or file is None or file.content is None:
            raise GatewayUnavailable(f"{lfn} could not be read: no storage element has it")
        return file.content[: limit + 1]

    def _configured(self) -> Configured:
        return self.grid.configured

    def _vo_of(self, group: str) -> str:
        own = group == (self.settings.group or DEFAULT_GROUP)
        return (own and self.ping().vo) or group.partition("_")[0]

    def _render(self, body: BodySpec) -> str:
        return json.dumps(plain(body), sort_keys=True)
