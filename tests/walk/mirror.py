"""DIRAC's own grid as the observer sees it: read afresh whenever something is to be judged.

Invariant: it reads through services of its own, to which nothing is done on purpose; where DIRAC
does not answer it waits, as what nobody saw cannot be judged.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

from dirac_prodsys.core.grid.specs import plain
from dirac_prodsys.core.grid.status import BAD_TASKS, GOOD_TASKS, FileStatus
from dirac_prodsys.core.run.fresh_starts import starts
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.memory.tables import AttachedFile, Task, Transformation
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from tests.patience import patience
from tests.walk.productions import Walked
from tests.walk.remembered import Remembered

T = TypeVar("T")

#: seconds for which the observer waits for an answer
PATIENCE = 120.0
#: seconds within which the agents of the sandbox have seen what came
AGENT_CYCLE = 2.0
#: seconds of a poll, and of its calls, at rest
READING = 2.0


@dataclass
class Mirrored(Transformation):
    """A transformation, with its queries as the service reads them back."""

    read: dict[str, dict[str, Any]] = field(default_factory=dict)

    def stored_query(self, kind: str) -> dict[str, Any]:
        return self.read.get(kind, {})


class _Since(dict[str, float]):
    """When a file was first seen."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now

    def __missing__(self, lfn: str) -> float:
        self[lfn] = self._now()
        return self[lfn]


class Mirror(Remembered):
    """Stands where the observer expects a :class:`WalkedGrid`."""

    def __init__(self, gateway: DiracGateway, walked: Walked, now: Callable[[], float]) -> None:
        super().__init__()
        self._gateway, self._walked, self._now = gateway, walked, now
        self.agent_cycle, self.reading = AGENT_CYCLE, patience(READING)
        self.transformations: dict[int, Transformation] = {}
        self.catalogue = SimpleNamespace(find=self._find, since=_Since(now))
        self.made_at = defaultdict(float)
        self.file_ids: dict[int, str] = {}
        self.down = False

    @property
    def now(self) -> float:
        return self._now()

    def patiently(self, call: Callable[[], T]) -> T:
        """The answer, however long DIRAC is down."""
        end = time.monotonic() + patience(PATIENCE)
        while True:
            try:
                return call()
            except GatewayUnavailable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def call(self, method: str, *arguments: Any) -> Any:
        """One call of the TransformationManager."""
        return self.patiently(
            lambda: self._gateway.services.call(TRANSFORMATIONS, method, *arguments)
        )

    def refresh(self) -> None:
        """Read all transformations of the walk."""
        steps = self._walked.plan.steps
        names = [name for step in steps for name in starts(step.transformation.name)]
        where = {"TransformationName": names}
        rows = self.call("getTransformations", where, None, None, "CreationDate")
        found = {int(row["TransformationID"]): self._read(row) for row in rows}
        self.transformations = found
        self.outputs = {
            (number, task.id)
            for number, one in found.items()
            for task in one.tasks.values()
            if task.good
        }

    def _read(self, row: dict[str, Any]) -> Transformation:
        number = int(row["TransformationID"])
        made = Mirrored({**row, "Body": json.dumps(self._body(row))})
        made.read = {kind: self._query(number, kind) for kind in ("Input", "Output")}
        made.parameters = dict(self.call("getAdditionalParameters", number))
        where = {"TransformationID": number}
        for task in self.call("getTransformationTasks", where, None, None, "CreationTime", *_REST):
            status = str(task["ExternalStatus"])
            good = True if status in GOOD_TASKS else False if status in BAD_TASKS else None
            lfns = (task.get("InputVector") or "").replace("LFN:", "").split(";")
            identifier = int(task["TaskID"])
            made.tasks[identifier] = Task(identifier, number, [x for x in lfns if x], status)
            made.tasks[identifier].good = good
        text = self.call(
            "getTransformationFiles", where, None, None, "LastUpdate", None, None, None
        )
        for file in json.loads(text)["Value"]:
            self.file_ids[int(file["FileID"])] = file["LFN"]
            status, task = str(file["Status"]), int(file["TaskID"] or 0)
            made.files[file["LFN"]] = AttachedFile(status, task, int(file["ErrorCount"] or 0))
        return made

    def _body(self, row: Mapping[str, Any]) -> Any:
        """The body in the form in which it was planned, if it is what was planned."""
        step = row["TransformationName"].split("__")[2]
        body = self._walked.plan.step(step).transformation.body
        return plain(body) if row["Body"] == self._gateway._render(body) else row["Body"]

    def _query(self, number: int, kind: str) -> dict[str, Any]:
        found = self.patiently(lambda: self._gateway._query(number, kind))
        return dict(found or {})

    def _find(self, query: Mapping[str, Any]) -> list[str]:
        services = self._gateway.services
        found = self.patiently(
            lambda: services.call(CATALOGUE, "findFilesByMetadata", dict(query), "/")
        )
        return sorted(found)

    # -- as of a WalkedGrid -----------------------------------------------------------------------

    def step_of(self, number: int) -> str:
        """The step that a transformation serves."""
        return str(self.transformations[number].row["TransformationName"]).split("__")[2]

    def alive(self, task: Task) -> bool:
        """Whether a task may still do something."""
        return task.good is None

    def processed(self, number: int) -> dict[str, int]:
        """By how many good tasks each file was processed."""
        found = self.transformations[number]
        count = dict.fromkeys(found.files, 0)
        for task in found.tasks.values():
            for lfn in task.lfns if task.good else ():
                count[lfn] = count.get(lfn, 0) + 1
        return count

    def by_hand(self, number: int, act: str) -> None:
        """What a person does with DIRAC's own commands, but for cleaning: a light grid has no agent
        that would ever end it."""
        if act == "Cleaning":
            return
        self.remember_hand(number, act, self.now)
        if act == "extend":
            for task in self.call("extendTransformation", number, 1):
                self.made_at[number, int(task)] = self.now
        elif act.isdigit():
            self.call("setTransformationParameter", number, "GroupSize", float(act))
        else:
            self.stopped_by[number] = "person"
            agent_type = {"Active": "Automatic", "Stopped": "Manual"}.get(act)
            if agent_type:
                self.call("setTransformationParameter", number, "AgentType", agent_type)
            self.call("setTransformationParameter", number, "Status", act)

    def mended(self, number: int) -> int:
        """A person sets files in states of failure Unused; returns how many."""
        bad = (FileStatus.MAX_RESET, FileStatus.MISSING_IN_FC, FileStatus.PROBLEMATIC)
        files = self.transformations[number].files
        new = {n: ["Unused", False] for n, x in self.file_ids.items() if _is(files, x, bad)}
        if new:
            self.call("setFileStatusForTransformation", number, new)
        return len(new)


#: order, limit, and that the files of tasks are wanted
_REST = (None, None, True)


def _is(files: Mapping[str, AttachedFile], lfn: str, states: tuple[FileStatus, ...]) -> bool:
    return lfn in files and files[lfn].status in states
