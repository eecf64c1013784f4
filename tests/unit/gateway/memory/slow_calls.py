"""Several processes that call one grid at once, where every call takes its time.

Each process runs in a thread of its own, of which one moves at a time: the one whose next moment is
first. Nothing sleeps, and time is a number.

Invariant: a seed gives the same order on every machine.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.gateway import MemoryGateway, MemoryServices
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings

TIMEOUT = 10.0
#: how often a process may die
LIVES = 2


class World:
    """Time, and who wakes up when.

    :param takes: seconds that a call takes on its way, and on its way back.
    :param stalls: part of the calls that take up to twice as long as anybody waits for an answer.
    :param dies: part of the calls at which a process dies, up to ``LIVES`` times.
    """

    def __init__(
        self,
        grid: MemoryGrid,
        seed: int,
        *,
        takes: tuple[float, float],
        stalls: float = 0.0,
        dies: float = 0.0,
    ) -> None:
        self.grid, self.takes, self.stalls, self.dies = grid, takes, stalls, dies
        self.chance = random.Random(seed)  # noqa: S311  not for secrets
        self.now = 0.0
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._planned, (self.now + seconds, self._count, act))

    def run(self, acts: Sequence[Callable[[MemoryGateway], Any]]) -> list[Any]:
        """All of them to the end, each begun anew when its process dies; what each comes to."""
        processes = [_Process(self, act) for act in acts]
        while self._planned:
            self.now, _, act = heapq.heappop(self._planned)
            assert self.now < 100_000, "it never ends"
            act()
        return [process.end for process in processes]


class _Process:
    def __init__(self, world: World, act: Callable[[MemoryGateway], Any]) -> None:
        self.world, self.act = world, act
        self.end: Any = None
        self.lives = LIVES
        self.turn, self.stands = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()
        world.after(world.chance.uniform(0, 1), self._go)

    def sleep(self, seconds: float) -> None:
        self.world.after(seconds, self._go)
        self.stands.release()
        self.turn.acquire()

    def _go(self) -> None:
        self.turn.release()
        self.stands.acquire()

    def _run(self) -> None:
        self.turn.acquire()
        while True:
            gateway = SlowGateway(self)
            try:
                while True:
                    try:
                        self.end = self.act(gateway)
                        break
                    except GatewayUnavailable:
                        self.sleep(1.0)
                break
            except Crash:
                self.sleep(self.world.chance.choice((1.0, 30.0)))
            except Exception as error:
                self.end = error
                break
        self.stands.release()


class SlowGateway(MemoryGateway):
    """The gateway of one process."""

    def __init__(self, process: _Process) -> None:
        super().__init__(process.world.grid, GatewaySettings(backend="memory", timeout=TIMEOUT))
        self.services = _Services(process, self.settings)
        self.process = process

    def _pause(self, seconds: float) -> None:
        self.process.sleep(max(seconds, 0.01))

    def _now(self) -> float:
        return self.process.world.now


class _Services(MemoryServices):
    def __init__(self, process: _Process, settings: GatewaySettings) -> None:
        super().__init__(process.world.grid, settings)
        self.process = process

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        world = self.process.world
        there, back = world.chance.uniform(*world.takes), world.chance.uniform(*world.takes)
        if self.process.lives and world.chance.random() < world.dies:
            self.process.lives -= 1
            if world.chance.random() < 0.5:
                world.after(there, lambda: self._late(service, method, arguments))
            raise Crash(method)
        if world.chance.random() < world.stalls:
            there = world.chance.uniform(0.5, 1.6) * TIMEOUT
        if there + back >= TIMEOUT:
            world.after(there, lambda: self._late(service, method, arguments))
            self.process.sleep(TIMEOUT)
            raise GatewayUnavailable(f"{method} gave no answer")
        self.process.sleep(there)
        answer = super().call(service, method, *arguments)
        self.process.sleep(back)
        return answer

    def _late(self, service: str, method: str, arguments: tuple[Any, ...]) -> None:
        """The service does what was asked, one task after the other."""
        if method != "extendTransformation":
            MemoryServices.call(self, service, method, *arguments)
            return
        number = arguments[1]
        for turn in range(number):
            answer = number if turn == number - 1 else 0
            call = (service, method, arguments[0], 1, answer)
            world = self.process.world
            world.after(0.02 * turn, lambda call=call: MemoryServices.call(self, *call))
