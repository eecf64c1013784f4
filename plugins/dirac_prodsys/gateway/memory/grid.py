"""Simulates a production system in memory: transformations, agents with a clock, jobs, faults.

It is public: for unit tests, for ``dag.test()`` without any grid, for trying out a policy. It keeps
the surprising rules of DIRAC 9.1.22: any status may follow any other; falsy values of a meta query
are lost when it is stored; names are looked up but not enforced; files are attached only while a
transformation is Active; smaller groups are made on Flush only; and a file that failed ten times
becomes MaxReset.

Invariant: only :meth:`MemoryGrid.advance` moves anything, and equal calls give equal grids.
"""

from __future__ import annotations

from collections.abc import Callable

from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.gateway.memory.agents import MemoryAgents
from dirac_prodsys.gateway.memory.faults import Fault, Kind
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.records import Configured


class MemoryGrid(MemoryAgents):
    """One grid.

    :param agent_cycle: seconds between two runs of the agents.
    :param task_seconds: seconds that a job runs.
    :param monitor_after: seconds for which a task or file must be unchanged before the task agent's
        monitoring looks at it: 600 in DIRAC (``TaskManagerAgentBase``, 9.1).
    :param step: seconds by which the clock moves at every call; 0: only :meth:`advance` moves it.
    :param fails: called with each task when its job ends; True: the job failed.
    """

    def __init__(
        self,
        *,
        agent_cycle: float = 10.0,
        task_seconds: float = 30.0,
        monitor_after: float = 0.0,
        step: float = 0.0,
        fails: Callable[[Task], bool] | None = None,
    ) -> None:
        super().__init__(
            task_seconds=task_seconds,
            monitor_after=monitor_after,
            fails=fails or (lambda task: False),
        )
        self.agent_cycle = agent_cycle
        self.step = step
        #: seconds that callers have waited; all share one clock
        self.waited = 0.0
        self.faults: list[Fault] = []
        #: while True, no service answers
        self.down = False
        #: of its DIRAC, as services answer it
        self.version = "memory"
        #: groups that may write to the Transformation System; empty: all
        self.production_groups: set[str] = set()
        #: what the grid's configuration names
        self.configured = Configured(
            storage_elements=frozenset({"DISK-A-SE", "DISK-B-SE"}),
            sites=frozenset({"SIM.SiteA.org", "SIM.SiteB.org"}),
            transformation_types=frozenset(TRANSFORMATION_TYPES),
        )
        #: options of the grid's configuration, by path
        self.options = {
            f"/Operations/Defaults/Transformations/{family}": ", ".join(
                kind.name for kind in TRANSFORMATION_TYPES.values() if kind.body == body
            )
            for family, body in (("DataProcessing", "job"), ("DataManipulation", "request"))
        }
        #: work of services for calls that were given up: seconds until it is done, and the work
        self._late: list[tuple[float, Callable[[], None]]] = []
        self._next_cycle = agent_cycle

    def fault(self, kind: Kind, method: str = "", *, after: int = 0, times: int = 1) -> Fault:
        """Plan a fault; see :mod:`dirac_prodsys.gateway.memory.faults`."""
        planned = Fault(kind, method, after, times)
        self.faults.append(planned)
        return planned

    # -- the clock and the agents ----------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass: jobs end, agents run."""
        self._serve_late(seconds)
        target = self.now + seconds
        while self._next_cycle <= target:
            self.now = self._next_cycle
            self._next_cycle += self.agent_cycle
            self._cycle()
        self.now = target
        self._end_jobs()

    def later(self, seconds: float, serve: Callable[[], None]) -> None:
        """Let a service do something after ``seconds``."""
        self._late.append((seconds, serve))

    def wait(self, seconds: float) -> None:
        """Let a caller wait: time passes for slow services, and for nothing else."""
        self.waited += seconds
        self._serve_late(seconds)

    def _serve_late(self, seconds: float) -> None:
        late = [(left - seconds, serve) for left, serve in self._late]
        self._late = [(left, serve) for left, serve in late if left > 0]
        for left, serve in late:
            if left <= 0:
                serve()
