"""Compares a plan with the transformations that already exist on the grid.

Invariant: values only, and nothing is judged twice: the gateway has decided whether an existing
transformation equals the planned one, by the rule by which creating adopts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dirac_prodsys.core.naming import SEPARATOR
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery

#: ``new``: none has the name; ``equal``: it exists and would be adopted; ``unfinished``: the rest
#: of a creation that died, which would be made again; ``conflict``: it exists and differs;
#: ``unknown``: no step of the plan has the name
State = Literal["new", "equal", "unfinished", "conflict", "unknown"]


@dataclass(frozen=True)
class Standing:
    """A transformation read back from the grid.

    :param body_digest: SHA-256 of the body as it was created.
    :param files: number of attached files by status; :param tasks: number of tasks by status.
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
        """Return the JSON form."""
        queries = {"input_query": self.input_query, "output_query": self.output_query}
        return {
            **{name: value for name, value in vars(self).items() if name not in queries},
            **{n: None if query is None else query.to_dirac() for n, query in queries.items()},
            "files": dict(self.files),
            "tasks": dict(self.tasks),
        }


@dataclass(frozen=True)
class Meeting:
    """The comparison for one name of a plan.

    :param name: name of a transformation or dataset.
    :param differences: one line for each difference.
    :param step: step of the plan; empty: none.
    :param standing: the existing transformation; None: nothing exists, or it is a dataset.
    """

    name: str
    state: State
    differences: tuple[str, ...] = ()
    step: str = ""
    standing: Standing | None = None
    kind: Literal["transformation", "dataset"] = "transformation"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        there = None if self.standing is None else self.standing.to_dict()
        same = {name: getattr(self, name) for name in ("name", "kind", "step", "state")}
        return {**same, "differences": list(self.differences), "found": there}


@dataclass(frozen=True)
class GridComparison:
    """A plan compared with the grid: its steps in order, then what else the run has there."""

    production: str
    run: str
    meetings: tuple[Meeting, ...]

    @property
    def same(self) -> bool:
        """Whether the grid has everything that the plan asks for, and nothing else.

        Transformations by which a step began anew belong to the plan.
        """
        return all(
            one.state == "equal" or (one.state == "unknown" and one.step) for one in self.meetings
        )

    def of(self, step: str) -> tuple[Meeting, ...]:
        """Return the comparisons for the names of one step."""
        return tuple(one for one in self.meetings if one.step == step)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "production": self.production,
            "run": self.run,
            "meetings": [one.to_dict() for one in self.meetings],
        }


def step_of(name: str, plan: ProductionPlan) -> str | None:
    """Return the step of a transformation of the plan's run; None: it belongs to another run.

    A step may have several transformations: made again, or begun anew by a person (``naming``).
    Empty: it belongs to the run, and the plan has no such step.
    """
    begin = SEPARATOR.join((plan.production, plan.run, ""))
    if not name.lower().startswith(begin.lower()):
        return None
    step = name[len(begin) :].split(SEPARATOR)[0]
    return step if any(one.name == step for one in plan.steps) else ""
