"""The processes that call the grid, each of which may die before or after any call.

Invariant: the grid knows who acts: ``ours`` is a process of the production's run, ``action`` one
that does what a person asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.gateway import MemoryGateway, MemoryServices
from dirac_prodsys.gateway.records import GatewaySettings
from tests.walk.world import AGENT_CYCLE, WalkedGrid

SETTINGS = GatewaySettings(
    backend="memory", poll_interval=60.0, agent_cycle=AGENT_CYCLE, timeout=30.0
)


class WalkedServices(MemoryServices):
    """The services, as seen by a process that may die at each call, while persons act."""

    grid: WalkedGrid

    def __init__(self, grid: WalkedGrid, settings: GatewaySettings, process: Process) -> None:
        super().__init__(grid, settings)
        self.process = process

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        self.process.pending = method
        crash = self.process.next_call()
        if crash == "crash":
            raise Crash(f"before {method}")
        with self.grid.acting(self.process.actor):
            answer = super().call(service, method, *arguments)
        if crash == "crash_after":
            raise Crash(f"after {method}")
        return answer

    def _serve(self, service: str, method: str, arguments: tuple[Any, ...], kind: Any) -> Any:
        with self.grid.acting(self.process.actor):  # also of a call that nobody waits for any more
            return super()._serve(service, method, arguments, kind)

    def _later(self, service: str, method: str, arguments: tuple[Any, ...]) -> None:
        if self.process.actor == "ours":
            super()._later(service, method, arguments)


class Process:
    """Counts the calls of a worker or a triggerer, and knows which of them will be its last.

    :param actor: for whom it works.
    """

    def __init__(self, actor: str = "ours") -> None:
        self.actor = actor
        #: the call that it is about to make
        self.pending = ""
        self._crashes: list[tuple[int, str]] = []
        self._hands: list[tuple[int, Callable[[], None]]] = []

    def crash(self, after: int, kind: str) -> None:
        """Die at the call after so many others."""
        self._crashes.append((after, kind))

    def between(self, after: int, act: Callable[[], None]) -> None:
        """Let something happen right before the call after so many others."""
        self._hands.append((after, act))

    def forget(self) -> None:
        """Nothing more is going to happen."""
        self._crashes.clear()
        self._hands.clear()

    def next_call(self) -> str:
        """What this call comes to; ``""``: nothing special."""
        due = [act for left, act in self._hands if left <= 0]
        self._hands = [(left - 1, act) for left, act in self._hands if left > 0]
        for act in due:
            act()
        kinds = [kind for left, kind in self._crashes if left <= 0]
        self._crashes = [(left - 1, kind) for left, kind in self._crashes if left > 0]
        return kinds[0] if kinds else ""


class WalkedGateway(MemoryGateway):
    """A gateway of one process."""

    def __init__(self, grid: WalkedGrid, process: Process) -> None:
        super().__init__(grid, SETTINGS)
        self.services = WalkedServices(grid, SETTINGS, process)

    def _token(self) -> str:
        self.grid.tokens += 1
        return f"{self.grid.tokens:012d}"
