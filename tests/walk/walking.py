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
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest import mock

from airflow.sdk._shared.dagnode.node import GenericDAGNode
from airflow.utils.log.logging_mixin import LoggingMixin

from dirac_prodsys.core.plan_values import ProductionPlan
from dirac_prodsys.core.policy import judge
from dirac_prodsys.core.production import Production
from dirac_prodsys.core.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION, FileStatus
from dirac_prodsys.gateway.memory_faults import Crash
from dirac_prodsys.provider import base, hook, poller, teardown, triggers
from tests.walk.clock import Clock, no_waiting
from tests.walk.clock import Loop as VirtualLoop
from tests.walk.happenings import WILD, Happening, drawn
from tests.walk.observer import Observer
from tests.walk.productions import KINDS, RUN, STOCK, walked
from tests.walk.schedule import ROUND, Attempt, Schedule
from tests.walk.world import SETTINGS, Process, WalkedGateway, WalkedGrid

#: where operators and triggers get their loggers from
LOGGING = (GenericDAGNode, LoggingMixin)
#: what a step says that gets or leaves no file at all
EMPTY = ("would be frozen without any file", "finds no file for this step")
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


class _Silent:
    """Formats what is logged, and drops it."""

    def _log(self, message: str, *arguments: Any, **_: Any) -> None:
        if arguments:
            message % arguments  # a wrong format is a mistake, too

    debug = info = warning = error = exception = _log


class Walk:
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
        self.walked = walked(self.kind)
        self.happenings = drawn(chance) if happenings is None else list(happenings)
        self.grid = WalkedGrid(seed)
        if chance.random() < 0.5:  # as at CTAO, where nobody monitors files
            self.grid.stopped_agents.add("file_monitoring")
            self.grid.torn_jobs = chance.random() < 0.7
        self.grid.failing = chance.choice((0.0, 0.0, 0.1, 0.4))
        self._stock(chance)
        self.clock = Clock(self.grid)
        self.worker, self.triggerer = Process(), Process()
        self.broken: list[Broken] = []
        self.diary: list[str] = []
        steps = {step.name: step for step in self.walked.plan.steps}
        self.observer = Observer(self.grid, steps, self._note)
        self.grid.watcher = self.observer
        self.patience = chance.choice((0.0, 120.0))
        self.prepare = prepare
        self.airflow = Schedule(
            self.walked.dag,
            self.clock,
            random.Random(seed + 1),  # noqa: S311
            told=self._told,
            event=self.observer.event,
            prepare=self._process,
        )
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
            with ExitStack() as seams:
                self._seams(seams)
                loop.run_until_complete(self._walk())
        finally:
            loop.close()
            logging.disable(logging.NOTSET)
        return self.broken

    def tell(self, line: str) -> None:
        """For the diary."""
        self.diary.append(f"{self.clock.elapsed:6.0f} s {line}")

    def hand(self, number: int, deed: str) -> str:
        """What a person does to a transformation, if it makes sense; in words."""
        found = self.grid.transformations[number]
        simulates = found.row["Type"].lower() == "mcsimulation"
        allowed = {
            "Stopped": ("Active", "Flush", "Idle"),
            "Flush": ("Active",),
            "Completed": ("Active", "Flush", "Stopped"),
            "Active": ("Stopped",),
            "Cleaning": ("Active", "Stopped", "Completed"),
            "extend": ("Active", "Stopped") if simulates else (),
        }.get(deed, () if simulates else ("New", "Active", "Stopped"))
        if found.status not in allowed:
            return f"no {deed} of {number}, which is {found.status}"
        self.grid.by_hand(number, deed)
        return f"{deed} of {number}"

    # -- the way ----------------------------------------------------------------------------------

    async def _walk(self) -> None:
        for happening in self.happenings:
            await self._until(happening.at)
            self.tell(f"{happening.kind}: {happening.happen(self)}")
        await self._until(self.wild)
        await self._quiet()
        self.airflow.kill_triggerer(0.0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _until(self, moment: float) -> None:
        while self.clock.elapsed < moment:
            self._round()
            over = self.airflow.state != "running" and not self.airflow.rows
            rest = moment - self.clock.elapsed
            await asyncio.sleep(max(0.0, rest if over else min(self.pause, rest)))

    def _round(self) -> None:
        self.airflow.round()

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
        for _ in range(self.looks):
            await self._until(self.clock.elapsed + self.person_every)
            while self.grid.down:
                await self._until(self.clock.elapsed + self.person_every)
            self._refreshed()
            if self.airflow.state == "success" and not self.airflow.undone():
                return self.observer.at_the_end()
            if anew := self._anew():
                self.tell(f"begun anew: {', '.join(self.airflow.clear(anew))}")
                continue
            self._set_right()
            if self.airflow.state == "failed" or self.airflow.undone():
                clears += 1
                if clears > 1 and self._hopeless():
                    return None
                if clears > CLEARS:
                    break
                cleared = self.airflow.clear(self.airflow.undone())
                self.tell(f"a person clears {', '.join(cleared)}")
        states = {n: t.state for n, t in self.airflow.tasks.items() if t.state != "success"}
        grid = {n: t.status for n, t in self.grid.transformations.items()}
        last = self.observer.failures[-1:]
        return self._note("END", f"the run is {self.airflow.state}: {states}, {grid}, {last}")

    def _hopeless(self) -> bool:
        """Nothing came of a step, as a person completed it before anything could, or its policy
        takes files that vanished for done."""
        completed = any("Completed" in deeds for deeds in self.grid.hands.values())
        empty = any(word in told for told in self.observer.failures[-4:] for word in EMPTY)
        return empty and (completed or bool(self.vanished))

    def _anew(self) -> list[str]:
        """A person has cleaned a step: so are those that took its files, and what was left of them
        is removed; then their tasks are to be cleared."""
        found, plans = self.grid.transformations, self.observer.plans
        last = {self.grid.step_of(number): number for number in sorted(found)}
        affected = {step for step, n in last.items() if found[n].status in REMOVED_TRANSFORMATION}
        for step in plans.values():  # parents stand before their children
            if affected & {*step.parents, *step.feeders}:
                affected.add(step.name)
        waits = False
        for number in (last[step] for step in sorted(affected) if step in last):
            if found[number].status not in {"New", *REMOVED_TRANSFORMATION}:
                self.grid.by_hand(number, "Cleaning")
            waits = waits or found[number].status == "Cleaning"
        if waits or not affected:
            return []
        for step in (plans[name] for name in affected):
            for folder in step.transformation.directories:
                self.grid.catalogue.forget(folder.path)
            if step.dataset is not None:
                self.grid.catalogue.datasets.pop(step.dataset.name, None)
        return [task for task in self.airflow.tasks if task.split(".")[0] in affected]

    def _set_right(self) -> None:
        """What only a person can do."""
        for number, found in self.grid.transformations.items():
            if found.status in ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION:
                continue
            if found.status == "Stopped":
                self.tell(f"a person starts {number}")
                self.grid.by_hand(number, "Active")
            if count := self.grid.mended(number):
                self.tell(f"a person sets {count} files of {number} Unused")
            if self._is_rest(number):
                self.tell(f"a person flushes {number}")
                self.grid.by_hand(number, "Flush")
            if count := self._stranded(number):
                self.tell(f"a person sets {count} files of {number} that were left behind")
            self._replace_failed(number)

    def _is_rest(self, number: int) -> bool:
        """Nothing was done, as all there is is a rest that is never flushed."""
        files = self.grid.transformations[number].files.values()
        rules = self.observer.plans[self.grid.step_of(number)].rules
        return rules.flush == "never" and {str(file.status) for file in files} == {"Unused"}

    def _stranded(self, number: int) -> int:
        """Files that are left to a person, or that nobody looks at as recovery is passive."""
        found, count = self.grid.transformations[number], 0
        for lfn, file in found.files.items():
            task = found.tasks.get(file.task)
            if file.status != FileStatus.ASSIGNED or task is None or self.grid.alive(task):
                continue
            times = self.grid.processed(number)[lfn]
            file.status = FileStatus.PROCESSED if times else FileStatus.UNUSED
            count += 1
        return count

    def _replace_failed(self, number: int) -> None:
        """Steps without input that may not extend themselves."""
        found = self.grid.transformations[number]
        step = self.observer.plans[self.grid.step_of(number)]
        good = sum(task.good is not False for task in found.tasks.values())
        missing = (step.rules.tasks or 0) - good
        if step.rules.needs_input or not found.tasks or missing <= 0:
            return
        for _ in range(missing):
            self.grid.by_hand(number, "extend")
        self.tell(f"a person adds {missing} tasks to {number}")

    # -- seams ------------------------------------------------------------------------------------

    def _seams(self, seams: ExitStack) -> None:
        async def asettings(_: Any) -> Any:
            return SETTINGS

        walk = self

        class InlineCaller:
            """The poller's thread, without a thread."""

            def __init__(self, name: str) -> None:
                self.name = name

            async def run(self, call: Callable[[], Any], timeout: float) -> Any:
                try:
                    return call()
                except Crash as crash:
                    walk.tell(f"the triggerer is dead: {crash}")
                    walk.airflow.kill_triggerer(60.0)
                    await asyncio.get_running_loop().create_future()

            def close(self) -> None:
                """Nothing to be closed."""

        def states(dag_id: str, run_id: str, task_ids: Any = None) -> dict[str, str | None]:
            return self.airflow.states()

        async def state(instance: Any) -> str | None:
            return self.airflow.states().get(instance.task_id)

        def looked(snapshot: Any, *given: Any, **clock: Any) -> Any:
            self.observer.looked(snapshot.id, given[0], clock)
            return judge(snapshot, *given, **clock)

        seams.enter_context(no_waiting(self.clock, InlineCaller))
        patches: list[tuple[Any, str, Any]] = [
            (hook.DiracHook, "settings", lambda _: SETTINGS),
            (hook.DiracHook, "asettings", asettings),
            (hook, "open_gateway", lambda _: WalkedGateway(self.grid, self.worker)),
            (poller, "open_gateway", lambda _: WalkedGateway(self.grid, self.triggerer)),
            (triggers, "judge", looked),
            (base, "compile", self._planned),
            (teardown, "task_states", states),
            (triggers, "task_state", state),
            *((where, "log", property(lambda _: _Silent())) for where in LOGGING),
        ]
        for where, name, value in patches:
            seams.enter_context(mock.patch.object(where, name, value))

    def _process(self, operator: Any) -> Any:
        fresh = self.prepare(operator)
        fresh.outage_patience = self.patience
        return fresh

    def _planned(self, production: Production, *, run: str, **given: Any) -> ProductionPlan:
        """Compiling is pure, and these productions have no parameters: once is enough."""
        if production is not self.walked.production or run != RUN or any(given.values()):
            raise NotImplementedError(f"{production.name} {run} {given}")
        return self.walked.plan

    def _told(self, attempt: Attempt) -> None:
        word = f": {type(attempt.error).__name__}: {attempt.error}" if attempt.error else ""
        self.tell(f"{attempt.task.task_id} → {attempt.end}{word}")
        self.observer.attempt(attempt)

    def _note(self, invariant: str, what: str) -> None:
        self.broken.append(Broken(self.clock.elapsed, invariant, what))
        self.tell(f"*** {invariant}: {what}")

    def _stock(self, chance: random.Random) -> None:
        for step in self.walked.production.steps:
            folder = f"{STOCK}/{step.name}"
            for number in range(chance.randint(1, 9)):
                self.grid.catalogue.register(f"{folder}/{number}.dat")
            self.grid.catalogue.directories[folder]["site"] = f"stock_{step.name}"
