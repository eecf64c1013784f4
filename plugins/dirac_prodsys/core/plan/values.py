"""Defines the plan of a run: a value that prints, compares and travels as JSON.

Invariant: a plan holds nothing that it does not show: two plans that print alike are equal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.grid.specs import CommunityBody, plain
from dirac_prodsys.core.production.policy import Approval
from dirac_prodsys.core.steps.step_plan import StepPlan


@dataclass(frozen=True)
class LoopPlan:
    """A loop of a plan.

    :param gates: for each pass, the gate that ends the loop after it.
    :param passes: for each pass, the names of its steps.
    :param otherwise: what happens at the maximum number of passes: ``fail`` or ``go_on``.
    """

    name: str
    gates: tuple[Gate, ...]
    passes: tuple[tuple[str, ...], ...]
    otherwise: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "until": [gate.to_dict() for gate in self.gates],
            "passes": [list(steps) for steps in self.passes],
            "otherwise": self.otherwise,
        }


@dataclass(frozen=True)
class ProductionPlan:
    """All that a run of a production sends to the grid.

    :param run: run tag that the names were made with.
    :param steps: parents before children.
    :param approval: what a person is asked before anything is created, placeholders filled.
    :param loops: repeated steps; ``steps`` has all their passes.
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
        """Return the step of that name; KeyError if there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, StepPlan]:
        return {step.name: step for step in self.steps}

    @property
    def grows(self) -> bool:
        """Whether steps are created when the run is under way, or not at all."""
        return bool(self.loops) or any(step.waits_for_input for step in self.steps)

    def ended(self, last: Mapping[str, int]) -> ProductionPlan:
        """Return the plan without passes that were not needed.

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
        """Return the datasets whose queries the plan lacks: it cannot be sent without them."""
        bodies = [step.transformation.body for step in self.steps]
        named = [body.unresolved for body in bodies if isinstance(body, CommunityBody)]
        named += [step.awaits for step in self.steps]
        return tuple(sorted({dataset for names in named for dataset in names}))

    def needed_for(self, step: str) -> tuple[str, ...]:
        """Return the unresolved datasets that must be looked up before this step is created.

        These are all of them; but if steps wait for some to be made, only those of the step and of
        the steps before it.
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
        """Return the SHA-256 (first 16 hex digits) of the JSON form: equal plans, equal digests."""
        return _digest(self._content())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
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
