"""One walk: a production, what happens to it, the quiet after it, and what was broken.

When everything that may happen has happened, the grid works again and a person does what persons
do: starts what was stopped, sets files right that need a person, clears what failed. From then on
the run must come to its proper end.

Invariant: the same seed and happenings give the same walk, to the last call.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.provider.tasks.run_plan import RunPlan
from tests.walk import seams
from tests.walk.clock import Clock
from tests.walk.clock import Loop as VirtualLoop
from tests.walk.guards import Guards
from tests.walk.happenings import WILD, Happening, drawn, later, latest
from tests.walk.observer import Observer
from tests.walk.operations import Operation, Operations
from tests.walk.person import Person
from tests.walk.processes import Process, WalkedGateway
from tests.walk.productions import GUARDED, KINDS, RUN, STOCK, walked
from tests.walk.schedule import Schedule
from tests.walk.tasks import ROUND, Attempt
from tests.walk.world import EndlessError, WalkedGrid

#: how often that person clears what failed
CLEARS = 8


@dataclass(frozen=True)
class Broken:
    """An invariant that did not hold.

    :param invariant: its number; ``END``: the run did not come to its end.
    """

    at: float
    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.at:6.0f} s {self.invariant}: {self.what}"


class Walk(Person):
    """One walk; :meth:`run` walks it.

    :cvar pause: seconds between two rounds of the schedule.
    :cvar wild: seconds for which anything may happen.
    :cvar person_every: seconds between two looks of the person who mends things at the end.
    :cvar looks: looks of that person after which the run must have ended.
    :param happenings: instead of those of the seed.
    :param prepare: makes the operator of an execution out of the DAG's, as a fresh process does.
    """

    pause, wild, person_every, looks = ROUND, WILD, 1800.0, 40

    def __init__(
        self,
        seed: int,
        happenings: Sequence[Happening] | None = None,
        *,
        prepare: Callable[[Any], Any] = copy.copy,
    ) -> None:
        self.seed = seed
        chance = random.Random(seed)  # noqa: S311  not for secrets
        self.kind = chance.randrange(KINDS)
        if seed % 3 == 0:  # of a third of the walks, the production waits for something
            self.kind = KINDS + self.kind % GUARDED
        self.walked = walked(self.kind)
        drawn_ = drawn(chance)
        added = [*later(seed, self.kind), *latest(seed)]
        drawn_ = sorted([*drawn_, *added], key=lambda one: one.at)
        self.happenings = drawn_ if happenings is None else list(happenings)
        self.grid = WalkedGrid(seed)
        if chance.random() < 0.5:  # as at CTAO, where nobody monitors files
            self.grid.stopped_agents.add("file_monitoring")
            self.grid.torn_jobs = chance.random() < 0.7
        self.grid.failing = chance.choice((0.0, 0.0, 0.1, 0.4))
        self._stock(chance)
        self.clock = Clock(self.grid)
        self.worker, self.triggerer = Process(), Process()
        #: the worker that calls the grid, and the action for which it does, if it is for one
        self.at_work, self.operating = self.worker, None
        self.guards = Guards(self)
        self.guards.leave_numbers(random.Random(f"{seed} numbers"))  # noqa: S311
        self.operations = Operations(self)
        self.broken: list[Broken] = []
        self.log: list[str] = []
        self._plans: dict[str, ProductionPlan] = {}
        steps = {step.name: step for step in self.walked.plan.steps}
        self.observer = Observer(self.grid, steps, self.note, self.guards)
        self.observer.acted = self._acted
        self.grid.watcher = self.observer
        self.patience = chance.choice((0.0, 120.0))
        self.prepare = prepare
        self.airflow = Schedule(
            self.walked.dag,
            self.clock,
            random.Random(seed + 1),  # noqa: S311
            report=self._record,
            event=self.observer.event,
            prepare=self.prepared,
        )
        self.airflow.answered = self.guards.answered
        self.observer.states = self.airflow.states
        self.outages = 0
        self.late = 0
        self.vanished: list[str] = []

    def run(self) -> list[Broken]:
        """Walk to the end; what was broken on the way."""
        logging.disable(logging.CRITICAL)
        random.seed(self.seed)
        loop = VirtualLoop(self.clock)
        try:
            with ExitStack() as stack:
                seams.enter(self, stack)
                loop.run_until_complete(self._walk())
        except EndlessError as error:
            self.note("END", str(error))
        finally:
            loop.close()
            logging.disable(logging.NOTSET)
        return self.broken

    def tell(self, line: str) -> None:
        """Write a line into the log of the walk."""
        self.log.append(f"{self.clock.elapsed:6.0f} s {line}")

    # -- the way ----------------------------------------------------------------------------------

    async def _walk(self) -> None:
        for happening in self.happenings:
            await self._until(happening.at)
            self.tell(f"{happening.kind}: {happening.happen(self)}")
        await self._until(self.wild)
        await self._quiet()
        self.kill_triggerer(0.0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _until(self, moment: float) -> None:
        while self.clock.elapsed < moment:
            self._round()
            over = self.airflow.state != "running" and not self.airflow.rows and self._idle()
            rest = moment - self.clock.elapsed
            await asyncio.sleep(max(0.0, rest if over else min(self.pause, rest)))

    def _round(self) -> None:
        self.airflow.round()
        self.operations.round()

    def _idle(self) -> bool:
        """Whether no action is at work either."""
        return self.operations.over

    def kill_triggerer(self, seconds: float) -> None:
        """All triggers die, for a while."""
        for schedule in (self.airflow, *self.operations.runs):
            schedule.kill_triggerer(seconds)

    @contextmanager
    def working(self, operation: Operation) -> Iterator[None]:
        """A worker of an action is at work."""
        before = self.at_work, self.operating
        self.at_work, self.operating = operation.process, operation
        try:
            yield
        finally:
            self.at_work, self.operating = before

    def twin(self) -> None:
        """A second worker does what the worker that starts a step is doing."""
        names = [n for n, t in self.airflow.tasks.items() if t.state == "running"]
        if not names or not names[0].endswith("start") or self.operating is not None:
            return self.tell("nobody is starting anything")
        before, self.at_work = self.at_work, Process()
        try:
            self.tell(f"two workers are at {names[0]}")
            self.airflow.twin(self.airflow.tasks[names[0]])
        finally:
            self.at_work = before
        return None

    def _refreshed(self) -> None:
        """Look at the grid; this one needs no looking."""

    def _mend_grid(self) -> None:
        self.grid.faults[:] = [fault for fault in self.grid.faults if fault.kind == "denied"]
        self.grid.stopped_agents &= {"file_monitoring"}
        self.grid.failing = 0.0
        for lfn in self.vanished:
            self.grid.restore(lfn)

    async def _quiet(self) -> None:
        """Everything works again, but for an outage, which lasts as long as it lasts."""
        for process in (self.worker, self.triggerer):
            process.forget()
        self._mend_grid()
        self.tell("everything works again")
        clears = 0
        for _ in self._looks():
            await self._until(self.clock.elapsed + self.person_every)
            while self.grid.down:
                await self._until(self.clock.elapsed + self.person_every)
            self._refreshed()
            self.operations.quiet()
            self.guards.set_right()
            if self.airflow.state == "success" and not self.airflow.undone() and self._idle():
                self.operations.at_the_end()
                return self.observer.at_the_end()
            anew = self._anew()
            self._set_right()
            if anew or self.airflow.state == "failed" or self.airflow.undone():
                clears += 1
                if clears > 1 and self._hopeless():
                    return None
                if clears > CLEARS and not anew:
                    break
                cleared = self.airflow.clear(anew or self.airflow.undone())
                why = "begun anew" if anew else "a person clears"
                self.tell(f"{why}: {', '.join(cleared)}")
        if self._stale():
            return None
        states = {n: t.state for n, t in self.airflow.tasks.items() if t.state != "success"}
        grid = {n: t.status for n, t in self.grid.transformations.items()}
        last = self.observer.failures[-1:]
        return self.note("END", f"the run is {self.airflow.state}: {states}, {grid}, {last}")

    def _looks(self) -> Iterator[int]:
        """Number the looks of the person who mends things at the end."""
        yield from range(self.looks)

    # -- seams ------------------------------------------------------------------------------------

    def gateway(self, process: Process) -> Any:
        """The gateway of a process."""
        return WalkedGateway(self.grid, process)

    def prepared(self, operator: Any) -> Any:
        prepared = self.prepare(operator)
        prepared.outage_patience = self.patience
        if (kept := getattr(prepared, "_run_plan", None)) is not None:
            # a fresh process has none; and the one of the DAG would keep this walk alive
            prepared._run_plan = RunPlan(kept.production)
        return prepared

    def planned(self, production: Production, *, run: str, **given: Any) -> ProductionPlan:
        """Compiling is pure, and these productions have no parameters: once is enough."""
        if production is not self.walked.production or run != RUN:
            raise NotImplementedError(f"{production.name} {run} {given}")
        known = {key: value for key, value in given.items() if value}
        if not known:
            return self.walked.plan
        if repr(known) not in self._plans:
            self._plans[repr(known)] = compile(production, run=run, **given)
        return self._plans[repr(known)]

    def replan(self, last: Mapping[str, int]) -> None:
        """Loops have ended: the steps after them are planned as it should be now."""
        plan = compile(self.walked.production, run=RUN, parameters={}, last=last)
        self.observer.plans = {step.name: step for step in plan.steps}

    def _record(self, attempt: Attempt) -> None:
        word = f": {type(attempt.error).__name__}: {attempt.error}" if attempt.error else ""
        self.tell(f"{attempt.task.task_id} → {attempt.end}{word}")
        self.observer.attempt(attempt)

    def note(self, invariant: str, what: str) -> None:
        self.broken.append(Broken(self.clock.elapsed, invariant, what))
        self.tell(f"*** {invariant}: {what}")

    def _acted(self, number: int, what: str, value: Any) -> None:
        if self.operating is not None:
            self.operating.acted(number, what, value)

    def _stock(self, chance: random.Random) -> None:
        for step in self.walked.production.steps:
            folder = f"{STOCK}/{step.name}"
            for number in range(chance.randint(1, 9)):
                self.grid.catalogue.register(f"{folder}/{number}.dat")
            self.grid.catalogue.directories[folder]["site"] = f"stock_{step.name}"
