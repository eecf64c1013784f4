"""The same walk on DIRAC itself: its services and agents, real time, real threads.

All walks share one grid and go side by side, each in a thread with an event loop of its own, so
that the time is that of one. Our code is the same; between it and the network stands
:class:`Interrupted`, which lets a process die before or after any call.

Invariant: what happens to one walk happens to no other, but for what the grid suffers as a whole.
"""

from __future__ import annotations

import asyncio
import copy
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy import judge
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider import hook, triggers
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.tasks import preparing, run_end, run_report
from dirac_prodsys.provider.waiting import poller
from tests.patience import MOST
from tests.walk.guards import Guards
from tests.walk.happenings import Happening, drawn
from tests.walk.mirror import Mirror
from tests.walk.observer import Observer
from tests.walk.operations import Operations
from tests.walk.processes import Process
from tests.walk.productions import RUN, Walked
from tests.walk.schedule import Schedule
from tests.walk.tasks import Attempt
from tests.walk.walking import Broken, Walk

LEAVE = Path(__file__).with_name("leave.sh")

#: happenings that DIRAC can be made to suffer, for one walk alone
KINDS = (
    "crash_worker",
    "crash_triggerer",
    "take_over",
    "answers_lost",
    "hand",
    "clear",
    "mark_failed",
    "mark_run_failed",
    "forget_state",
)

#: the walk whose thread, or whose connection, this is
_walks: dict[str, DiracWalk] = {}
_here = threading.local()


class RealClock:
    """Seconds since the walk began."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._begin


class Interrupted:
    """The services of a process that may die at each call."""

    def __init__(self, services: Any, walk: DiracWalk, process: Process) -> None:
        self.services, self.walk, self.process = services, walk, process
        self.calls: Counter[str] = services.calls

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        end = self.process.next_call()
        if end in ("crash", "unavailable"):
            self._end(end, method)
        self.walk.about_to(method, arguments)
        answer = self.services.call(service, method, *arguments)
        if end:
            self._end(end, method)
        return answer

    def _end(self, end: str, method: str) -> None:
        if end in ("crash", "crash_after") and self.process is self.walk.worker:
            raise Crash(f"{end} {method}")
        if end in ("crash", "crash_after"):
            self.walk.triggerer_died.set()
        raise GatewayUnavailable(f"{method}: {end}")


class DiracMirror(Mirror):
    """A mirror through which faults are called up as on a grid in memory."""

    worker: Process

    def fault(self, kind: str, method: str, *, after: int, times: int) -> None:
        """Some calls of the next workers are refused, or their answers are lost."""
        done = kind in ("lost", "torn", "no_id")
        for number in range(times):
            self.worker.crash(after + number, "lost" if done else "unavailable")


class DiracWalk(Walk):
    """One walk on DIRAC."""

    pause, wild, person_every, looks = 0.3, 25.0, 6.0, 100

    def __init__(self, seed: int, settings: GatewaySettings, folder: Path) -> None:
        self.seed = seed
        chance = random.Random(seed)  # noqa: S311  not for secrets
        self.mark = folder / f"fail{seed}"
        self.walked = _tiny(seed, chance, self.mark)
        self.happenings: Sequence[Happening] = drawn(chance, KINDS, self.wild, first=4.0)
        if chance.random() < 0.3:
            self.mark.touch()  # one job fails
        self.settings = replace(settings, portal=str(seed))
        self.clock = RealClock()  # type: ignore[assignment]
        self.worker, self.triggerer = Process(), Process()
        self.triggerer_died = threading.Event()
        plain = DiracGateway(settings)
        self.grid = DiracMirror(plain, self.walked, lambda: self.clock.elapsed)  # type: ignore[assignment]
        self.grid.worker = self.worker  # type: ignore[attr-defined]
        self.broken: list[Broken] = []
        self.log: list[str] = []
        steps = {step.name: step for step in self.walked.plan.steps}
        self.observer = Observer(self.grid, steps, self.note)
        self.at_work, self.operating = self.worker, None
        self.guards, self.operations = Guards(self), Operations(self)
        self._judging = threading.Lock()
        self.patience = chance.choice((0.0, 3.0))
        self.prepare = copy.copy
        self.airflow = Schedule(
            self.walked.dag,
            self.clock,
            random.Random(seed + 1),  # noqa: S311
            report=self._record,
            event=self.observer.event,
            prepare=self.prepared,
            dead_after=2.0,
        )
        self.observer.states = self.airflow.states
        self.outages = self.late = 0
        self.vanished: list[str] = []

    def run(self) -> list[Broken]:
        """Walk to the end, in this thread."""
        _here.walk = _walks[str(self.seed)] = self
        try:
            asyncio.run(self._walk())
        except Exception as error:
            self.note("END", f"the walk itself: {type(error).__name__}: {error}")
        return self.broken

    def about_to(self, method: str, arguments: Sequence[Any]) -> None:
        """Let the observer judge what we are about to do."""
        number = arguments[0] if arguments else None
        watched = method in _WATCHED
        if method == "setTransformationParameter":
            watched = arguments[1] == "Status"
        if not watched or not isinstance(number, int):
            return
        with self._judging:
            self.grid.refresh()  # type: ignore[attr-defined]
            found = self.grid.transformations.get(number)
            if found is None:
                return
            if method == "setTransformationParameter":
                self.observer.status(found, str(arguments[2]))
            elif method == "extendTransformation":
                self.observer.tasks_added(found, int(arguments[1]))
            elif method == "deleteTransformation":
                self.observer.deleted(found)
            else:
                ids = self.grid.file_ids
                new = {ids[int(n)]: str(status) for n, (status, _) in arguments[1].items()}
                self.observer.files_set(found, new)

    def hand(self, number: int, act: str) -> str:
        self.grid.refresh()  # type: ignore[attr-defined]
        return super().hand(number, act)

    def _record(self, attempt: Attempt) -> None:
        with self._judging:
            self._refreshed()
            super()._record(attempt)

    def _refreshed(self) -> None:
        self.grid.refresh()  # type: ignore[attr-defined]

    def _round(self) -> None:
        if self.triggerer_died.is_set():
            self.triggerer_died.clear()
            self.tell("the triggerer is dead")
            self.kill_triggerer(1.0)
        super()._round()

    def _looks(self) -> Iterator[int]:
        """Number the looks until nothing has changed for ``looks`` of them.

        How long a run takes is the machine's to say; that nothing moves any more is not.
        """
        seen, since = "", 0
        for number in range(round(MOST * self.looks)):
            now = self._standing()
            since = number if now != seen else since
            if number - since >= self.looks:
                return
            seen = now
            yield number

    def _standing(self) -> str:
        """Describe how far the run and its tasks on the grid are."""
        tasks = {name: (task.state, task.tries) for name, task in self.airflow.tasks.items()}
        grid = {
            number: (found.status, [(task.id, task.status) for task in found.tasks.values()])
            for number, found in self.grid.transformations.items()
        }
        return repr((tasks, grid))

    def _mend_grid(self) -> None:
        """The grid as a whole is looked after by whoever made it suffer."""

    def _stranded(self, number: int) -> int:
        return 0  # the executor reports the end of every job in the end


_WATCHED = ("extendTransformation", "deleteTransformation", "setFileStatusForTransformation")


@contextmanager
def seams() -> Any:
    """Our code opens its gateways for the walk whose thread or connection it is."""

    def settings(_: Any) -> GatewaySettings:
        found: GatewaySettings = _here.walk.settings
        return found

    async def asettings(_: Any) -> GatewaySettings:
        return settings(_)

    def opened(name: str) -> Any:
        def open_(settings: GatewaySettings) -> DiracGateway:
            walk = _walks[settings.portal]
            plain = DiracGateway(settings)
            process = getattr(walk, name)
            return DiracGateway(settings, Interrupted(plain.services, walk, process))

        return open_

    def looked(snapshot: Any, *given: Any, **clock: Any) -> Any:
        walk = _here.walk
        walk.observer.looked(snapshot.id, given[0], clock)
        return judge(snapshot, *given, **clock)

    def states(*_: Any, **__: Any) -> dict[str, str | None]:
        found: dict[str, str | None] = _here.walk.airflow.states()
        return found

    async def recent(*_: Any) -> dict[str, str | None]:
        return states()

    async def state(instance: Any) -> str | None:
        return states().get(instance.task_id)

    patches: list[tuple[Any, str, Any]] = [
        *((module, "task_states", states) for module in (run_report, preparing, run_end)),
        (triggers, "recent_states", recent),
        (triggers, "task_state", state),
        (hook.DiracHook, "settings", settings),
        (hook.DiracHook, "asettings", asettings),
        (hook, "open_gateway", opened("worker")),
        (poller, "open_gateway", opened("triggerer")),
        (triggers, "judge", looked),
    ]
    with ExitStack() as stack:
        for where, name, value in patches:
            stack.enter_context(mock.patch.object(where, name, value))
        yield


def _tiny(seed: int, chance: random.Random, mark: Path) -> Walked:
    steps = chance.choice((1, 1, 2, 2, 2, 3))
    lines = ["version: 1", f"production: {{name: walk{seed}, vo: sim}}", "steps:"]
    for number in range(steps):
        name, parent = "abc"[number], "abc"[number - 1]
        lines.append(f"  {name}:")
        if number:
            lines += [
                "    type: Merging",
                f"    group_size: {chance.randint(1, 2)}",
                f"    input: {{from: {parent}}}",
                f"    start: {chance.choice(('streaming', 'on_complete'))}",
            ]
        else:
            lines += ["    type: MCSimulation", f"    tasks: {chance.randint(1, 2)}"]
            lines.append("    policy: {extend: {up_to: 1.0, chunk: 1, max_failed: 0.9}}")
        lines += [
            "    job:",
            "      type: script",
            "      executable: sh",
            f'      arguments: "{LEAVE} {name}_@{{JOB_ID}}.dat {mark}"',
            "    output:",
            f"      directory: /sim/walk{seed}/${{{{ run }}}}/{name}",
            "      se: DISK-A-SE",
            f'      metadata: {{production: walk{seed}, run: "${{{{ run }}}}", step: {name}}}',
            f'      files: ["{name}_@{{JOB_ID}}.dat"]',
        ]
        if number == steps - 1:
            lines.append(f'    dataset: {{name: "/sim/datasets/walk{seed}_${{{{ run }}}}"}}')
    text = "\n".join(lines) + "\n"
    production = load_production(text, f"walk{seed}.yaml")
    dag = build_dag(production)
    for task in dag.tasks:
        task.retry_delay = task.max_retry_delay = timedelta(seconds=1)
    return Walked(production, compile(production, run=RUN, parameters={}), dag, text)
