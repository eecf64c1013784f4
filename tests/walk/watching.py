"""What every part of the observer has: the grid, the plan, and how it speaks of them.

Invariant: nothing here judges.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.recovery.ledger import LEDGER, Ledger
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.memory.tables import Transformation
from tests.walk.guards import Guards
from tests.walk.world import WalkedGrid

#: seconds that may lie between a look at the grid and what is done about it: a worker tries by
#: itself for two minutes when the grid is down
REACTION = 250.0


class Watching:
    """Notes what is broken.

    :param plans: the plan of each step.
    :param note: called with the number of the invariant and a sentence.
    :param guards: what judges gates, approvals and loops; None: there are none.
    """

    def __init__(
        self,
        grid: WalkedGrid,
        plans: Mapping[str, StepPlan],
        note: Callable[[str, str], None],
        guards: Guards | None = None,
    ) -> None:
        self.grid, self.plans, self.note, self.guards = grid, plans, note, guards
        self.started: set[int] = set()
        self.requeued: dict[int, Counter[str]] = {}
        self.flushes: Counter[int] = Counter()
        self.looks: dict[int, dict[str, Any]] = {}
        #: when what we judged last was read, on the grid's clock
        self.read_at: dict[int, float] = {}
        #: when we looked at one that runs, on the grid's clock: nothing is done to the files of
        #: one that a person has stopped, and when it goes on the grid may be faster than we are
        self.looked_at: defaultdict[int, list[float]] = defaultdict(list)
        self.failures: list[str] = []
        #: what Airflow says of all tasks
        self.states: Callable[[], dict[str, str | None]] = dict

    def _seen(self, number: int) -> float:
        """When we looked last; now, if that is too long ago to act on it."""
        looked = self.read_at.get(number, 0.0)
        return looked if looked >= self.grid.now - REACTION else self.grid.now

    def _unattached(self, found: Transformation, step: StepPlan) -> list[str]:
        query = step.transformation.input_query
        known = self.grid.catalogue.find(query.to_dirac()) if query else []
        horizon = self._seen(int(found.row["TransformationID"])) - self.grid.agent_cycle
        since = self.grid.catalogue.since
        return [lfn for lfn in known if lfn not in found.files and since[lfn] < horizon]

    def has_ended(self, step: str) -> bool:
        """Also one whose files nobody will add to any more: it was removed by a person."""
        return any(
            t.status in ("Completed", "Archived") or t.status in REMOVED_TRANSFORMATION
            for t in self.grid.transformations.values()
            if self._step_name(t) == step
        )

    def looked(self, number: int, rules: StepRules, clock: dict[str, Any]) -> None:
        """We looked at a transformation."""
        if not rules.ready_at:
            self.looks[number] = clock
            self.read_at[number] = self.grid.now - self.grid.reading
            if self.grid.transformations[number].status != TransformationStatus.STOPPED:
                self.looked_at[number].append(self.grid.now)

    def _ledger(self, found: Transformation) -> Ledger:
        try:
            return Ledger.from_text(str(found.parameters.get(LEDGER, "")))
        except ValueError:
            return Ledger()

    def _step_name(self, found: Transformation) -> str:
        return str(found.row["TransformationName"]).split("__")[2]

    def _step(self, found: Transformation) -> StepPlan | None:
        parts = str(found.row["TransformationName"]).split("__")
        return self.plans.get(parts[2]) if len(parts) > 2 else None

    def _label(self, found: Transformation) -> str:
        return f"{found.row['TransformationID']} {found.row['TransformationName']}"
