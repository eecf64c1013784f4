"""Defines the plan of one step: all that is sent for it, and when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.grid.specs import DatasetSpec, TransformationSpec, plain
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.production.policy import Approval
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.outputs import Output

#: name of a dataset → its meta query
Datasets = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Input for a trial: the first files of a query, attached once, when the step starts."""

    query: MetaQuery
    limit: int


@dataclass(frozen=True)
class Newer:
    """Input of a later generation: files that no earlier one has taken, attached at the start.

    :param query: what the first generation took.
    :param earlier: names of the step's first transformation in each earlier generation.
    """

    query: MetaQuery
    earlier: tuple[str, ...]


@dataclass(frozen=True)
class StepPlan:
    """One step of a plan.

    :param parents: names of the steps whose files it takes.
    :param start: ``streaming``: with the production; ``on_complete``: when its parents are
        complete; ``at 10%``: when each parent has done this share of its work.
    :param feeders: steps whose files or models it takes although it does not name them: it waits
        for them as for parents.
    :param sample: replaces the transformation's input query.
    :param after: steps that must be complete before it starts, without taking their files.
    :param awaits: datasets with missing queries, without which it cannot be sent.
    :param approval: what a person is asked before it starts, placeholders filled.
    :param verified_at: replaces the transformation's input query: files that the one parent copied,
        with good replicas at these storage elements when the step starts.
    :param gates: what must exist before it starts.
    :param newer: replaces the transformation's input query, in a later generation.
    :param transient: whether another step removes its output when all that take it are complete.
    """

    name: str
    transformation: TransformationSpec
    dataset: DatasetSpec | None
    parents: tuple[str, ...]
    start: str
    rules: StepRules
    feeders: tuple[str, ...] = ()
    sample: Sample | None = None
    awaits: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    approval: Approval | None = None
    verified_at: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    transient: bool = False
    newer: Newer | None = None

    @property
    def waits_for_input(self) -> bool:
        """Whether it waits for a dataset that it takes: it is created afterwards."""
        awaited = {gate.name for gate in self.gates if gate.kind == "dataset"}
        return not awaited.isdisjoint(self.awaits)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        sample = self.sample and {
            "query": self.sample.query.to_dirac(),
            "limit": self.sample.limit,
        }
        newer = self.newer and {
            "query": self.newer.query.to_dirac(),
            "earlier": list(self.newer.earlier),
        }
        optional = {
            "newer": newer,
            "feeders": list(self.feeders),
            "sample": sample,
            "after": list(self.after),
            "verified_at": list(self.verified_at),
            "awaits": list(self.awaits),
            "wait_for": [gate.to_dict() for gate in self.gates],
            "approval": self.approval and plain(self.approval),
            "transient": self.transient,
        }
        return {
            "name": self.name,
            "parents": list(self.parents),
            "start": self.start,
            "rules": self.rules.to_dict(),
            "transformation": plain(self.transformation),
            "dataset": None if self.dataset is None else plain(self.dataset),
            **{key: value for key, value in optional.items() if value},
        }


@dataclass
class Derived:
    """The result of planning steps whose jobs derive.

    :param plans: step name → plan; wrong steps are missing.
    :param outputs: step name → what others find of it by metadata.
    :param awaiting: step → the dataset without whose query the step's output is unknown.
    """

    plans: dict[str, StepPlan] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    awaiting: dict[str, str] = field(default_factory=dict)
