"""A plan beside what stands on the grid: which transformations a run would create, and which meet.

Invariant: values only, and nothing is judged twice: whether one that exists is what the plan asks
for was decided by the gateway, by the rule by which creating adopts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dirac_prodsys.core.naming import SEPARATOR
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery

#: ``new``: there is none of the name; ``equal``: it is there, and would be adopted;
#: ``unfinished``: what a creation that died has left, and which would be made anew;
#: ``conflict``: it is there and another; ``unknown``: no step of the plan has the name
State = Literal["new", "equal", "unfinished", "conflict", "unknown"]


@dataclass(frozen=True)
class Standing:
    """A transformation read back from the grid.

    :param body_digest: SHA-256 of the body as it was created.
    :param files: number of attached files by status, and :param tasks: of tasks.
    """

    id: int
    name: str
    status: str
    type: str
    plugin: str = ""
    group_size: float = 0.0
    body_digest: str = ""
    input_query: MetaQuery | None = None
    output_query: MetaQuery | None = None
    files: Mapping[str, int] = field(default_factory=dict)
    tasks: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        queries = {"input_query": self.input_query, "output_query": self.output_query}
        return {
            **{name: value for name, value in vars(self).items() if name not in queries},
            **{n: None if query is None else query.to_dirac() for n, query in queries.items()},
            "files": dict(self.files),
            "tasks": dict(self.tasks),
        }


@dataclass(frozen=True)
class Meeting:
    """What one name of a plan meets.

    :param name: of a transformation or dataset.
    :param differences: one line for each thing that differs.
    :param step: of the plan; empty: none.
    :param standing: what is there; None: nothing, or a dataset.
    """

    name: str
    state: State
    differences: tuple[str, ...] = ()
    step: str = ""
    standing: Standing | None = None
    kind: Literal["transformation", "dataset"] = "transformation"

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        there = None if self.standing is None else self.standing.to_dict()
        same = {name: getattr(self, name) for name in ("name", "kind", "step", "state")}
        return {**same, "differences": list(self.differences), "found": there}


@dataclass(frozen=True)
class Comparison:
    """A plan beside the grid: its steps in their order, then what else the run has there."""

    production: str
    run: str
    meetings: tuple[Meeting, ...]

    @property
    def same(self) -> bool:
        """Whether the grid holds what the plan asks for, all of it and nothing else.

        What a step was made anew as is part of it.
        """
        return all(
            one.state == "equal" or (one.state == "unknown" and one.step) for one in self.meetings
        )

    def of(self, step: str) -> tuple[Meeting, ...]:
        """What the names of one step meet."""
        return tuple(one for one in self.meetings if one.step == step)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "production": self.production,
            "run": self.run,
            "meetings": [one.to_dict() for one in self.meetings],
        }


def step_of(name: str, plan: ProductionPlan) -> str | None:
    """The step that a transformation of the plan's run belongs to; None: it is of another run.

    A step may have several: made again, or begun anew by a person (``naming``). Empty: it is of the
    run, and the plan has no such step.
    """
    begin = SEPARATOR.join((plan.production, plan.run, ""))
    if not name.lower().startswith(begin.lower()):
        return None
    step = name[len(begin) :].split(SEPARATOR)[0]
    return step if any(one.name == step for one in plan.steps) else ""
