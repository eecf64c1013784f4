"""Computes once for all checks what follows from a plan about files.

Invariant: independent of dialects: only the plan counts, and paths are those of the native form. A
query that the plan does not know (it waits for a dataset) is absent and not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.core.grid.specs import CommunityBody, DirectorySpec, TransformationSpec
from dirac_prodsys.core.job_types import derives
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Path
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.query.condition import Missing
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.graph import StepGraph
from dirac_prodsys.core.steps.outputs import above
from dirac_prodsys.core.steps.removals import OF_FILES, operations
from dirac_prodsys.core.steps.step_plan import StepPlan


@dataclass(frozen=True)
class ProvenLink:
    """Which of a parent's files a child takes.

    "All", "part" and "none" are proved by the algebra, from what the parent declares. A field that
    it does not declare can only be set by its jobs, which cannot be proved beforehand.

    :param undeclared: fields in the child's query that the parent does not declare.
    """

    parent: str
    child: str
    share: Literal["all", "part", "none"]
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A production and its plan.

    :param plan: plan of a run whose tag occurs in no other name, so that it can be found again.
    """

    production: Production
    plan: ProductionPlan

    @cached_property
    def steps(self) -> dict[str, StepPlan]:
        """Return the steps by name, parents first."""
        return {step.name: step for step in self.plan.steps}

    @cached_property
    def graph(self) -> StepGraph:
        """Return the graph of steps: named parents and feeders, in the order of the file."""
        written = [step.name for step in self.production.steps if step.name in self.steps]
        names = written if len(written) == len(self.steps) else list(self.steps)
        return StepGraph({n: (*self.steps[n].parents, *self.steps[n].feeders) for n in names})

    def derived(self, step: str) -> bool:
        """Whether the output of a step is made by its job type, and is not written in the file."""
        body = self.steps[step].transformation.body
        return isinstance(body, CommunityBody) and derives(self.production.step(step).job)

    def before(self, step: str) -> set[str]:
        """Return the steps that are complete when this one starts, also through other steps."""
        found: set[str] = set()
        queue = list(self.steps[step].after)
        if self.steps[step].start == "on_complete":
            queue += self.steps[step].parents
        while queue:
            name = queue.pop()
            if name not in found and name in self.steps:
                found.add(name)
                queue += [*self.steps[name].parents, *self.steps[name].after]
        return found

    @cached_property
    def takes(self) -> dict[str, MetaQuery]:
        """Map each step to the query of its input."""
        found: dict[str, MetaQuery] = {}
        for step in self.plan.steps:
            query = step.transformation.input_query
            if step.sample is not None:
                query = step.sample.query
            if query is not None and not query.is_empty:
                found[step.name] = query
        return found

    @cached_property
    def relays(self) -> frozenset[str]:
        """Return the steps that make no files and hand on those of one parent, such as copies."""
        return frozenset(
            step.name
            for step in self.plan.steps
            if step.transformation.output_query is None
            and len(step.parents) == 1
            and step.name in self.takes
            and not removes(step.transformation)
        )

    @cached_property
    def leaves(self) -> dict[str, MetaQuery]:
        """Map each step to the query that all its files match, by output query and directories."""
        at: dict[str, list[DirectorySpec]] = {}
        for directory in (d for s in self.plan.steps for d in s.transformation.directories):
            at.setdefault(directory.path, []).append(directory)
        found: dict[str, MetaQuery] = {}
        known: dict[tuple[str, ...], dict[str, list[Any]]] = {}
        for step in self.plan.steps:
            spec = step.transformation
            if step.name in self.relays and step.parents[0] in found:
                taken, made = self.takes[step.name], found[step.parents[0]]
                if made.intersects(taken):
                    found[step.name] = made.refine(taken)
            if spec.output_query is None:
                continue
            own = tuple(directory.path for directory in spec.directories)
            if own not in known:
                known[own] = _carried(own, at)
            conditions = spec.output_query.conditions
            inherited = {name: v for name, v in known[own].items() if name not in conditions}
            found[step.name] = (
                MetaQuery({**MetaQuery.parse(inherited).conditions, **conditions})
                if inherited
                else spec.output_query
            )
        return found

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """Map each step to the steps that name it as their parent."""
        found: dict[str, list[str]] = {name: [] for name in self.steps}
        for step in self.plan.steps:
            for parent in dict.fromkeys(step.parents):
                found[parent].append(step.name)
        return {name: tuple(names) for name, names in found.items()}

    def sources(self, step: str) -> set[str]:
        """Return the steps whose files a step takes: parents and feeders, or those they relay."""
        found: set[str] = set()
        open_ends = [step]
        while open_ends:
            one = self.steps[open_ends.pop()]
            for parent in {*one.parents, *one.feeders} - found:
                found.add(parent)
                if self.steps[parent].transformation.output_query is None:
                    open_ends.append(parent)
        return found

    @cached_property
    def links(self) -> dict[tuple[str, str], ProvenLink]:
        """Map each parent and child to their link, if the queries of both are known."""
        return {
            (parent, child): _link(parent, child, self.takes[child], self.leaves[parent])
            for parent, children in self.children.items()
            for child in children
            if parent in self.leaves and child in self.takes
        }

    def place(self, step: str, key: str | int, field: str) -> Path:
        """Return the path of a field in a step's ``input``, ``output`` or ``dataset``."""
        if key == "input":
            return self.condition(step, field)
        return ("steps", step, key, "where" if key == "dataset" else "metadata", field)

    def condition(self, step: str, field: str) -> Path:
        """Return where a step has a condition on a field: under ``where``, or else at its input."""
        written = self._written.get(step)
        if written is not None and written.input and field in written.input.where:
            return ("steps", step, "input", "where", field)
        return ("steps", step, "input")

    @cached_property
    def _written(self) -> dict[str, Step]:
        return {step.name: step for step in self.production.steps}


def _carried(
    paths: Iterable[str], at: Mapping[str, Iterable[DirectorySpec]]
) -> dict[str, list[Any]]:
    """Return the values in the metadata of directories and of those above them."""
    values: dict[str, dict[Any, None]] = {}
    holding = [one for path in paths for place in (*above(path), path) for one in at.get(place, ())]
    if len(holding) == 1:  # as most have
        return {name: [value] for name, value in holding[0].metadata.items()}
    for directory in holding:
        for name, value in directory.metadata.items():
            values.setdefault(name, {})[value] = None
    return {name: list(held) for name, held in values.items()}


def removes(spec: TransformationSpec) -> bool:
    """Whether files are gone after this transformation."""
    return any(operation.type in OF_FILES for operation in operations(spec))


def _link(parent: str, child: str, wanted: MetaQuery, left: MetaQuery) -> ProvenLink:
    declared, asked = wanted.only(*left.fields), wanted.conditions
    other = [n for n, c in asked.items() if n not in left.conditions and not isinstance(c, Missing)]
    undeclared = tuple(name for name in other if name not in STANDARD_FIELDS)
    if not declared.intersects(left):
        return ProvenLink(parent, child, "none", undeclared)
    everything = declared.subsumes(left) and not other
    return ProvenLink(parent, child, "all" if everything else "part", undeclared)
