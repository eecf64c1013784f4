"""Plans a later generation of a run: completed steps take the files that came since.

A generation is a run of the same DAG. Its ID, which is its tag, is that of the first with a number:
``night-7.g2``. So all that a run makes has names of its own, and all that is known of runs
(waits, retries, actions, history) holds for it as well.

A step that takes what others made before takes a list: what its query finds and no earlier
generation has taken. A step after it takes what its parents make in this generation by its query,
as in any run, if that query finds nothing of an earlier one. All other steps have no part in it.

Invariant: pure; no file is taken twice, whatever was made in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query import meta_query
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.step_plan import Newer, StepPlan
from dirac_prodsys.errors import DefinitionError, MetaQueryError

#: key of a run's configuration in Airflow; the value of a parameter is never a mapping
KEY = "reopens"


@dataclass(frozen=True)
class Generation:
    """A later generation of a run.

    :param run: the tag of the first.
    :param number: 2 and more.
    :param steps: the steps that take files that came since; steps after them follow.
    """

    run: str
    number: int
    steps: tuple[str, ...]

    @property
    def earlier(self) -> tuple[str, ...]:
        """Return the tags of all generations before it, the first one first."""
        later = (naming.generation_id(self.run, number) for number in range(2, self.number))
        return (self.run, *later)

    def to_conf(self) -> dict[str, Any]:
        """Return what the configuration of its run holds."""
        return {KEY: {"run": self.run, "steps": list(self.steps)}}


def is_reopening(value: object) -> bool:
    """Whether the value of :data:`KEY` asks for a later generation: it is no parameter's then."""
    return isinstance(value, Mapping)


def read_generation(conf: Mapping[str, Any], run_id: str) -> Generation | None:
    """Return the generation that a run is to be; None: it is a first run.

    :param conf: configuration of the run.
    :raises DefinitionError: it cannot be one.
    """
    asked = conf.get(KEY)
    if not isinstance(asked, Mapping):
        return None
    steps = asked.get("steps")
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise DefinitionError(f"{KEY} names no steps", _HINT)
    if not all(isinstance(step, str) for step in steps):
        raise DefinitionError(f"{KEY} has steps that are no names", _HINT)
    found = naming.generation_of(run_id)
    if found is None or found[0] != asked.get("run"):
        raise DefinitionError(
            f"run {run_id} is to reopen {asked.get('run')!r}, and its ID is not that of a later "
            "generation",
            _HINT,
        )
    return Generation(*found, tuple(dict.fromkeys(steps)))


def later_plan(
    plan: ProductionPlan, earlier: Sequence[ProductionPlan], generation: Generation
) -> ProductionPlan:
    """Return the plan of a later generation: only steps that have a part in it.

    :param plan: what a first run with this tag would do.
    :param earlier: the same for each earlier generation, in their order.
    :raises DefinitionError: a step that is to take new files cannot, or is unknown.
    """
    if plan.loops:
        raise DefinitionError("a production with loops cannot be reopened", "begin a new run of it")
    known = {step.name for step in plan.steps}
    if unknown := [name for name in generation.steps if name not in known]:
        raise DefinitionError(
            f"the production has no step {', '.join(unknown)} any more",
            "put it back, or begin a new run",
        )
    taking: dict[str, StepPlan] = {}
    for step in plan.steps:
        before = [one.step(step.name) for one in earlier]
        parents = tuple(name for name in step.parents if name in taking)
        feeders = tuple(name for name in step.feeders if name in taking)
        if (parents or feeders) and _apart(step, before):
            taken = replace(step, parents=parents, feeders=feeders)
        elif step.name in generation.steps:
            taken = _with_newer(step, before)
        else:
            continue
        after = tuple(name for name in step.after if name in taking)
        dataset = _next_version(step, before, generation.number)
        taking[step.name] = replace(taken, after=after, dataset=dataset)
    return replace(plan, steps=tuple(taking.values()))


def plan_of_run(
    production: Production,
    *,
    run: str,
    parameters: Mapping[str, Any],
    generation: Generation | None,
    **given: Any,
) -> ProductionPlan:
    """Return the plan of a run, whichever generation it is.

    :param given: the other arguments of :func:`.compile.compile`.
    :raises DefinitionErrors, DefinitionError: it cannot be planned.
    """
    plan = compile_plan(production, run=run, parameters=parameters, **given)
    if generation is None:
        return plan
    earlier = [
        compile_plan(production, run=tag, parameters=parameters, **given)
        for tag in generation.earlier
    ]
    return later_plan(plan, earlier, generation)


def left_out(plan: ProductionPlan, later: ProductionPlan) -> tuple[str, ...]:
    """Return the steps after those of a generation whose queries would find earlier files, too.

    They are reopened by themselves, when the generation is complete.
    """
    have_part = {step.name for step in later.steps}
    return tuple(
        step.name
        for step in plan.steps
        if step.name not in have_part and have_part.intersection((*step.parents, *step.feeders))
    )


def _apart(step: StepPlan, earlier: Sequence[StepPlan]) -> bool:
    """Whether the query of a step finds nothing that an earlier generation of it found."""
    query = step.transformation.input_query
    if query is None:  # it takes what its parent copied in this generation
        return bool(step.verified_at)
    taken = [one.transformation.input_query for one in earlier]
    return not any(other is not None and query.intersects(other) for other in taken)


def _with_newer(step: StepPlan, earlier: Sequence[StepPlan]) -> StepPlan:
    query = earlier[0].transformation.input_query
    if query is None:
        raise DefinitionError(
            f"step {step.name} takes its files by no query: nothing can come for it",
            "begin a new run of the production",
        )
    newer = Newer(query, tuple(one.transformation.name for one in earlier))
    spec = step.transformation.model_copy(update={"input_query": None})
    return replace(step, transformation=spec, parents=(), feeders=(), newer=newer)


def _next_version(step: StepPlan, earlier: Sequence[StepPlan], number: int) -> DatasetSpec | None:
    """Return the dataset of a step with the files of all generations, under the next name.

    It stands beside the one that is frozen. If no single query finds the files of all, it holds
    those of this generation.
    """
    first = earlier[0].dataset
    if step.dataset is None or first is None:
        return None
    queries: list[MetaQuery] = [one.dataset.query for one in earlier if one.dataset is not None]
    try:
        query = meta_query.join([*queries, step.dataset.query])
    except MetaQueryError:  # they differ in several fields: it holds the new files alone
        query = step.dataset.query
    # how many files there are in all is not known beforehand
    return step.dataset.model_copy(
        update={
            "name": naming.check_dataset_name(f"{first.name}_v{number}", first.name.split("/")[1]),
            "query": query,
            "expect_files": None,
            "max_files": None,
        }
    )


_HINT = "such runs are begun by `dirac-prodsys reopen PRODUCTION --run RUN`"
