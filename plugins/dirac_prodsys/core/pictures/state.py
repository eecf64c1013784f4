"""Says how a step stands, in a picture: its state in DIRAC, and how far it is.

Invariant: DIRAC's words verbatim; a step that was not made says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    WORKING_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.policy.counts import tally

#: how a state looks
Look = Literal["none", "new", "working", "ended", "stopped"]


@dataclass(frozen=True)
class StepState:
    """The state of a step.

    :param status: DIRAC's status of its transformation; empty: it was not made.
    :param id: TransformationID.
    :param unit: what is counted: ``files`` or ``tasks``.
    :param tasks: ExternalStatus → number of tasks.
    """

    status: str = ""
    id: int | None = None
    unit: str = "tasks"
    done: int = 0
    total: int = 0
    tasks: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """Write it in lines, for a box."""
        if not self.status:
            return ("not made",)
        number = "" if self.id is None else f" ({self.id})"
        lines = [f"{self.status}{number}", f"{self.done}/{self.total} {self.unit}"]
        return (*lines, tally(self.tasks)) if self.tasks else tuple(lines)

    @property
    def look(self) -> Look:
        """Say how it looks."""
        if not self.status:
            return "none"
        status = TransformationStatus(self.status)
        if status in ENDED_TRANSFORMATION:
            return "ended"
        if status in WORKING_TRANSFORMATION:
            return "working"
        if status is TransformationStatus.STOPPED or status in REMOVED_TRANSFORMATION:
            return "stopped"
        return "new"


#: step → its state; empty: the picture is that of the plan alone
States = Mapping[str, StepState]

#: colours of the looks, for all pictures that have colours
FILLS: Mapping[Look, str] = {
    "none": "#f2f2f2",
    "new": "#fdf6d8",
    "working": "#cfe3fb",
    "ended": "#d3efcb",
    "stopped": "#f8d3cd",
}
