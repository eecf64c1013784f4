"""Traces each condition of an input query: which step wrote it, and at which place.

Invariant: every condition of the query has an origin, and every origin is a path of the file that
was read; a field that was not written comes from the rules of a job type, and its path is that
type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import NATIVE, Production
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.gathering import FIELD
from dirac_prodsys.core.steps.step_plan import Datasets

#: ``output``: a step declares it; ``rule``: its job type does; ``where``: a step asks for it;
#: ``gather``: the planner adds it to outputs, for the step that gathers them
OriginKind = Literal["output", "rule", "where", "dataset", "gather"]


@dataclass(frozen=True)
class Origin:
    """One origin of a condition.

    :param step: the step that wrote it.
    :param condition: the condition there, in DIRAC's form; for ``where`` as written, with its
        placeholders.
    """

    kind: OriginKind
    step: str
    condition: Any
    path: Path


@dataclass(frozen=True)
class ExplainedCondition:
    """One condition of an input query, in DIRAC's form, and all its origins."""

    field: str
    condition: Any
    origins: tuple[Origin, ...]


def conditions(
    production: Production, plan: ProductionPlan, step: str, datasets: Datasets
) -> tuple[ExplainedCondition, ...]:
    """Return every condition of the input query of a step, in the order of the query.

    Empty if it has no query: it takes no files, or listed ones, or those of a dataset that is not
    among ``datasets``.

    :raises KeyError: there is no step of that name.
    """
    production.step(step)
    tracing = _Tracing(Subject(production, plan), datasets)
    query = tracing.subject.takes.get(step)
    asked = {} if query is None else query.to_dirac()
    return tuple(
        ExplainedCondition(field, condition, _once(tracing.input(step, field)))
        for field, condition in asked.items()
    )


#: kind of origin → how it is said
_SAID: Mapping[OriginKind, str] = {
    "output": "output of step {step}",
    "rule": "rules for the job of {step}",
    "where": "what step {step} asks for",
    "dataset": "the dataset that {step} takes",
    "gather": "added to the outputs that {step} gathers",
}


def origin_words(production: Production, plan: ProductionPlan, step: str) -> dict[str, str]:
    """Map each field of a step's input query to the words on where its condition comes from."""
    return {
        one.field: ", ".join(
            dict.fromkeys(_SAID[origin.kind].format(step=origin.step) for origin in one.origins)
        )
        for one in conditions(production, plan, step, {})
    }


@dataclass(frozen=True)
class _Tracing:
    subject: Subject
    datasets: Datasets

    def input(self, name: str, field: str) -> Iterator[Origin]:
        """Yield the origins of the condition on a field of a step's input."""
        source = self.subject.production.step(name).input
        if source is None:
            return
        if field == FIELD and self.added:
            asked = self.subject.takes[name].to_dirac()[field]
            yield Origin("gather", name, asked, ("steps", name, "input", "from"))
        else:
            for parent in source.steps:
                yield from self._output(parent, field)
        if source.dataset is not None:
            path: Path = ("steps", name, "input", "dataset")
            production = self.subject.production
            context = StepContext(
                production, production.step(name), self.subject.plan.run, Problems()
            )
            held = _form(self.datasets.get(context.fill(source.dataset), {}))
            if field in held:
                yield Origin("dataset", name, held[field], path)
        for word, written in source.where.items():
            pair = word, written
            if self.words is not None and written is not None:
                pair = self.words(word, written)
            if written is not None and pair[0] == field:
                path = ("steps", name, "input", "where", field)
                condition = MetaQuery.parse(dict([pair])).to_dirac()[field]
                yield Origin("where", name, condition, path)

    @cached_property
    def words(self) -> Callable[[str, Any], tuple[str, Any]] | None:
        """Return what turns conditions of the read form into the catalogue's; None: not needed."""
        dialect = self.subject.production.dialect
        community = community_of(dialect) if dialect != NATIVE else None
        if community is None or not community.catalogue_words:
            return None
        found: Callable[[str, Any], tuple[str, Any]] = community.offered(community.catalogue_words)
        return found

    @cached_property
    def added(self) -> bool:
        """Whether the planner added its field, so that no output of the production declares it."""
        outputs = (step.output for step in self.subject.production.steps)
        return not any(
            o is not None and FIELD in {**o.metadata, **o.file_metadata} for o in outputs
        )

    def _output(self, name: str, field: str) -> Iterator[Origin]:
        """Yield the origins of a condition that a step's output matches."""
        query = self.subject.steps[name].transformation.output_query
        if query is None:  # it hands on what it took
            if name in self.subject.takes:
                yield from self.input(name, field)
            return
        if field not in query.fields:
            return
        made = query.to_dirac()[field]
        if self.subject.derived(name):
            yield from self._derived(name, field, made)
            return
        written = self.subject.production.step(name).output
        own = written is not None and field in written.metadata
        part = "metadata" if own else "file_metadata"
        yield Origin("output", name, made, ("steps", name, "output", part, field))

    def _derived(self, name: str, field: str, made: Any) -> Iterator[Origin]:
        """Yield the same by a community's rules: from settings, input, or the type."""
        job = self.subject.production.step(name).job
        taken = self.subject.takes.get(name, MetaQuery()).to_dirac()
        community = community_of(str(job["type"]).partition(":")[0])
        found: Origin | None = Origin("rule", name, made, ("steps", name, "job", "type"))
        if community.origin:
            found = community.offered(community.origin)(name, job, field, made, taken)
        elif taken.get(field) == made:
            found = None
        if found is None:
            yield from self.input(name, field)
        else:
            yield found


def _once(origins: Iterator[Origin]) -> tuple[Origin, ...]:
    return tuple({(o.kind, o.step, o.path): o for o in origins}.values())


def _form(query: Mapping[str, Any]) -> dict[str, Any]:
    return MetaQuery.from_dirac(query).to_dirac() if query else {}
