"""What a plan is made of: values that print, compare and travel as JSON.

Invariant: a plan knows no more than it shows: two plans that print alike are alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from dirac_prodsys.core.conduct import Approval
from dirac_prodsys.core.gates import Gate
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.outputs import Output
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.specs import CommunityBody, DatasetSpec, TransformationSpec, plain

#: name of a dataset → its meta query
Datasets = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Input for a trial: the first files of a query, attached once, when the step starts."""

    query: MetaQuery
    limit: int


@dataclass(frozen=True)
class LoopPlan:
    """A loop of a plan.

    :param gates: for each pass, what ends the loop after it.
    :param passes: for each pass, the names of its steps.
    :param otherwise: ``fail`` or ``go_on``, when the bound is reached.
    """

    name: str
    gates: tuple[Gate, ...]
    passes: tuple[tuple[str, ...], ...]
    otherwise: str

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "until": [gate.to_dict() for gate in self.gates],
            "passes": [list(steps) for steps in self.passes],
            "otherwise": self.otherwise,
        }


@dataclass(frozen=True)
class StepPlan:
    """One step of a plan.

    :param parents: names of the steps whose files it takes.
    :param start: ``streaming``: with the production; ``on_complete``: when its parents are;
        ``at 10%``: when each of them has done so much of its work.
    :param feeders: steps whose files or models it takes although it does not name them: they are
        waited for as parents are.
    :param sample: instead of the transformation's input query.
    :param after: steps that must be complete before it starts, and whose files it does not take.
    :param awaits: datasets whose queries it lacks, and without which it cannot be sent.
    :param approval: what a person is asked before it starts, placeholders filled.
    :param verified_at: instead of the transformation's input query: files that the one parent
        copied, and whose replicas at these storage elements are good when the step starts.
    :param gates: what must be there before it starts.
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

    @property
    def waits_for_input(self) -> bool:
        """Whether a dataset that it takes is one that it waits for: it is created afterwards."""
        awaited = {gate.name for gate in self.gates if gate.kind == "dataset"}
        return not awaited.isdisjoint(self.awaits)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        extra: dict[str, Any] = {"feeders": list(self.feeders)} if self.feeders else {}
        if self.sample is not None:
            query = self.sample.query.to_dirac()
            extra["sample"] = {"query": query, "limit": self.sample.limit}
        if self.after:
            extra["after"] = list(self.after)
        if self.verified_at:
            extra["verified_at"] = list(self.verified_at)
        if self.awaits:
            extra["awaits"] = list(self.awaits)
        if self.gates:
            extra["wait_for"] = [gate.to_dict() for gate in self.gates]
        if self.approval is not None:
            extra["approval"] = plain(self.approval)
        return {
            "name": self.name,
            "parents": list(self.parents),
            "start": self.start,
            "rules": self.rules.to_dict(),
            "transformation": plain(self.transformation),
            "dataset": None if self.dataset is None else plain(self.dataset),
            **extra,
        }


@dataclass(frozen=True)
class ProductionPlan:
    """All that a run of a production sends to the grid.

    :param run: run tag that the names were made with.
    :param steps: parents before children.
    :param approval: what a person is asked before anything is created, placeholders filled.
    :param loops: steps that are gone through again; ``steps`` has all their passes.
    """

    production: str
    vo: str
    run: str
    connection: str
    description: str
    steps: tuple[StepPlan, ...]
    approval: Approval | None = None
    loops: tuple[LoopPlan, ...] = ()

    def step(self, name: str) -> StepPlan:
        """The step of that name; KeyError if there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, StepPlan]:
        return {step.name: step for step in self.steps}

    @property
    def grows(self) -> bool:
        """Whether steps are created when the run is under way, or not at all."""
        return bool(self.loops) or any(step.waits_for_input for step in self.steps)

    def ended(self, last: Mapping[str, int]) -> ProductionPlan:
        """The plan without passes that were not needed.

        :param last: name of a loop that has ended → its last pass.
        """
        left = {
            step
            for loop in self.loops
            if loop.name in last
            for steps in loop.passes[last[loop.name] :]
            for step in steps
        }
        return replace(self, steps=tuple(step for step in self.steps if step.name not in left))

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Datasets whose queries the plan lacks: until it has them, it cannot be sent."""
        bodies = [step.transformation.body for step in self.steps]
        named = [body.unresolved for body in bodies if isinstance(body, CommunityBody)]
        named += [step.awaits for step in self.steps]
        return tuple(sorted({dataset for names in named for dataset in names}))

    def needed_for(self, step: str) -> tuple[str, ...]:
        """Those of the unresolved datasets that must be looked up before this step is created.

        All of them, unless steps wait for some to be made: then those of the step and of the steps
        before it.
        """
        if not any(each.waits_for_input for each in self.steps):
            return self.unresolved
        found: set[str] = set()
        left, seen = [step], {step}
        while left:
            each = self.step(left.pop())
            body = each.transformation.body
            found |= {*each.awaits, *(body.unresolved if isinstance(body, CommunityBody) else ())}
            above = {*each.parents, *each.feeders} - seen
            seen |= above
            left += sorted(above)
        return tuple(sorted(found))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) of the JSON form: equal plans, equal digests."""
        return _digest(self._content())

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        content = self._content()
        return {**content, "digest": _digest(content)}

    def _content(self) -> dict[str, Any]:
        return {
            "production": self.production,
            "vo": self.vo,
            "run": self.run,
            "connection": self.connection,
            "description": self.description,
            "steps": [step.to_dict() for step in self.steps],
            **({"approval": plain(self.approval)} if self.approval is not None else {}),
            **({"loops": [loop.to_dict() for loop in self.loops]} if self.loops else {}),
        }


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Derived:
    """What comes of the steps of a production whose jobs derive.

    :param plans: by name; those that are wrong are missing.
    :param outputs: what others find of them by metadata.
    :param awaiting: step → dataset without whose query nobody knows what the step leaves.
    """

    plans: dict[str, StepPlan] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    awaiting: dict[str, str] = field(default_factory=dict)
