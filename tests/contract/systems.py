"""The production systems that the contract is held against, behind one face.

Invariant: a sentence of the contract cannot tell them apart but by what they answer. What differs
is how time passes (the in-memory clock is pushed, on DIRAC one waits) and how files get registered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

import pytest

from dirac_prodsys.core.grid.specs import (
    Command,
    DirectorySpec,
    JobSpec,
    RequestOperation,
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.agent import AgentGateway
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import CATALOGUE, REQUESTS, TRANSFORMATIONS, Services
from sandbox import Grid
from tests.patience import patience, until

#: DIRAC's own clients, with the state that getSubmittedFileStatus gives to files of failed jobs
_TAKE_BACK = """
import sys
import DIRAC
DIRAC.initialize()
from DIRAC.TransformationSystem.Client.FileReport import FileReport
report = FileReport()
for lfn in sys.argv[2:]:
    report.setFileStatus(int(sys.argv[1]), lfn, "Unused")
done = report.commit()
sys.exit(0 if done["OK"] else str(done))
"""

Gateway = DiracGateway | MemoryGateway

#: a group that exists and has no right to production
POWERLESS = "sim_pilot"


class System(Protocol):
    """One production system."""

    def gateway(self, group: str = "sim_prod") -> Gateway:
        """A gateway as a user in that group."""

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the agents work until it holds; fails when it never does."""

    def cycles(self, number: int) -> None:
        """Let the agents work that many times at least."""

    def register(self, lfn: str, metadata: Mapping[str, Any], content: bytes | None = None) -> None:
        """Put a file on storage and register it with metadata of its own.

        :param content: by default, its own name.
        """

    def spoil(self, lfn: str, how: str) -> None:
        """What lies on the storage is ``lost``, of the same size but ``other``, or ``longer``."""

    def take_back(self, transformation: int, lfns: Sequence[str]) -> None:
        """DIRAC's file monitoring (``MonitorFiles``) sees that the jobs of these files failed."""

    def request(self, lfns: Sequence[str], error: str) -> int:
        """ID of a request that was to copy these files to DISK-B-SE, and has ended.

        :param error: what it met; empty: it is Done.
        """


class InMemory:
    """:class:`MemoryGrid`."""

    def __init__(self) -> None:
        self.grid = MemoryGrid(agent_cycle=10, task_seconds=15)
        self.grid.production_groups = {"sim_prod"}

    def gateway(self, group: str = "sim_prod") -> Gateway:
        return MemoryGateway(self.grid, GatewaySettings(backend="memory", group=group, vo="sim"))

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(100):
            if holds():
                return
            self.grid.advance(self.grid.agent_cycle)
        pytest.fail("it does not come about in 100 cycles")

    def cycles(self, number: int) -> None:
        self.grid.advance(number * self.grid.agent_cycle)

    def register(self, lfn: str, metadata: Mapping[str, Any], content: bytes | None = None) -> None:
        self.grid.catalogue.register(lfn, content=content or lfn.encode(), **metadata)

    def spoil(self, lfn: str, how: str) -> None:
        file = self.grid.catalogue.files[lfn]
        wrong = {"lost": None, "other": (file.size, "1"), "longer": (file.size + 1, "1")}
        file.replicas[file.se] = wrong[how]

    def take_back(self, transformation: int, lfns: Sequence[str]) -> None:
        found = self.grid.transformations[transformation]
        before = {lfn: found.files[lfn].task for lfn in lfns}
        found.tasks[0] = Task(0, transformation, list(lfns), good=False)
        for lfn in lfns:
            found.files[lfn].task = 0
        self.grid._monitor_files(found)
        del found.tasks[0]
        for lfn, task in before.items():
            found.files[lfn].task = task

    def request(self, lfns: Sequence[str], error: str) -> int:
        copy = RequestOperation(type="ReplicateAndRegister", attributes={"TargetSE": "DISK-B-SE"})
        body = RequestSpec(operations=(copy,))
        made = self.gateway().create_transformation(spec(unique(), type="Replication", body=body))
        task = Task(1, made.id, list(lfns), ends=self.grid.now, good=not error, minor=error)
        self.grid.transformations[made.id].tasks[1] = task
        return task.job


class OnDirac:
    """DIRAC's own services and agents, on the light sandbox."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def gateway(self, group: str = "sim_prod") -> Gateway:
        user = "pilot" if group == POWERLESS else "prodmgr"
        return DiracGateway(
            GatewaySettings(
                config=str(self.grid.client_cfg),
                proxy=str(self.grid.proxy(user, group)),
                group=group,
                vo="sim",
            )
        )

    def until(self, holds: Callable[[], bool]) -> None:
        until("what is waited for", 120, holds, each=0.2)

    def cycles(self, number: int) -> None:
        """Agents count no cycles that a client could see: a file that they attach bears witness."""
        gateway = self.gateway()
        for _ in range(number):
            mark = unique()
            directory = f"/sim/contract/{mark}"
            gateway.services.call(CATALOGUE, "createDirectory", {directory: True})
            gateway.services.call(CATALOGUE, "setMetadata", directory, {"run": mark})
            self.register(f"{directory}/witness", {})
            witness = gateway.create_transformation(
                spec(mark, group_size=10, input_query=MetaQuery.parse({"run": mark}))
            )
            gateway.start_transformation(witness.id)
            self.until(lambda id=witness.id: bool(gateway.snapshot([id])[id].files))
            gateway.stop_transformation(witness.id)

    def register(self, lfn: str, metadata: Mapping[str, Any], content: bytes | None = None) -> None:
        services = self.gateway().services
        content = content or lfn.encode()
        file = self.grid.state.storage / "DISK-A-SE" / lfn.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        facts = {
            "PFN": f"file://localhost{file}",
            "Size": len(content),
            "SE": "DISK-A-SE",
            "GUID": str(uuid.uuid4()),
            "Checksum": f"{zlib.adler32(content):08x}",
        }
        reply = services.call(CATALOGUE, "addFile", {lfn: facts})
        assert lfn in reply["Successful"], reply
        if metadata:
            services.call(CATALOGUE, "setMetadata", lfn, dict(metadata))

    def spoil(self, lfn: str, how: str) -> None:
        file = self.grid.state.storage / "DISK-A-SE" / lfn.lstrip("/")
        if how == "lost":
            file.unlink()
        else:
            content = file.read_bytes()
            file.write_bytes(content[::-1] if how == "other" else content + b"more")

    def take_back(self, transformation: int, lfns: Sequence[str]) -> None:
        """As ``TaskManagerAgentBase.updateFileStatus`` does when a job has failed; a light grid has
        no jobs."""
        done = subprocess.run(
            [sys.executable, "-c", _TAKE_BACK, str(transformation), *lfns],
            env=self.grid.env(),
            capture_output=True,
            text=True,
            timeout=patience(120),
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def request(self, lfns: Sequence[str], error: str) -> int:
        status = "Failed" if error else "Done"
        files = [{"LFN": lfn, "Status": status, "Error": error} for lfn in lfns]
        operation = {"Type": "ReplicateAndRegister", "TargetSE": "DISK-B-SE", "Files": files}
        put = {"RequestName": unique(), "Operations": [{**operation, "Status": status}]}
        return int(self.gateway().services.call(REQUESTS, "putRequest", json.dumps(put)))


class OfAgent(AgentGateway):
    """A gateway through the agent.

    :param services: the same services, called from here: what people do by hand. While a test has
        others in their place, of which a call goes wrong, verbs use those, and run here: into the
        agent no test can reach.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        super().__init__(settings)
        self._by_hand = DiracGateway(settings).services
        self.services: Services = self._by_hand

    def _ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if self.services is self._by_hand:
            return super()._ask(name, arguments, named)
        return getattr(DiracGateway(self.settings, self.services), name)(*arguments, **named)


class OnAgent(OnDirac):
    """The same grid, through the agent."""

    def gateway(self, group: str = "sim_prod") -> Gateway:
        return cast(Gateway, OfAgent(replace(super().gateway(group).settings, backend="agent")))


class Interrupted:
    """Services of which one call goes wrong for us, while the service itself does its work.

    :param error: raised in place of the answer.
    :param before: raised instead of calling.
    """

    def __init__(
        self, services: Services, method: str, error: BaseException, *, before: bool = False
    ) -> None:
        self.services = services
        self.calls: Counter[str] = services.calls
        self.method = method
        self.error: BaseException | None = error
        self.before = before

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        if method != self.method or self.error is None:
            return self.services.call(service, method, *arguments)
        error, self.error = self.error, None
        if not self.before:
            self.services.call(service, method, *arguments)
        raise error


def lost() -> GatewayUnavailable:
    """The answer never arrived."""
    return GatewayUnavailable("Peer closed connection")


def unique(prefix: str = "c") -> str:
    """A name that no other test uses."""
    return f"{prefix}{uuid.uuid4().hex[:10]}"


def spec(name: str, **changes: Any) -> TransformationSpec:
    """A transformation of jobs that succeed at once."""
    body = JobSpec(name="contract", job_type="Merging", commands=(Command(executable="/bin/true"),))
    fields: dict[str, Any] = {
        "name": name,
        "description": "a sentence of the contract",
        "type": "Merging",
        "body": body,
        "group_size": 2,
    }
    return TransformationSpec(**{**fields, **changes})


def status_of(gateway: Gateway, transformation: int) -> str:
    return str(gateway.snapshot([transformation])[transformation].status)


def by_hand(gateway: Gateway, transformation: int, parameter: str, value: object) -> None:
    """What a person does in DIRAC's web page."""
    gateway.services.call(
        TRANSFORMATIONS, "setTransformationParameter", transformation, parameter, value
    )


def prepared(gateway: Gateway, **metadata: object) -> DirectorySpec:
    """A directory with metadata of its own."""
    mark = unique()
    directory = DirectorySpec(path=f"/sim/contract/{mark}", metadata={"run": mark, **metadata})
    gateway.prepare_directories([directory])
    return directory
