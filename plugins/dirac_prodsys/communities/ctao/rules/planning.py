"""Plans a production whose steps follow CTAO's rules.

Invariant: steps are planned parents first, so that a step's input is its parent's output; and a
mistake in one step is reported without stopping the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dirac_prodsys.communities.ctao.rules import feeding, inputs, remarks
from dirac_prodsys.communities.ctao.rules.directories import check as check_directories
from dirac_prodsys.communities.ctao.rules.directories import directories
from dirac_prodsys.communities.ctao.rules.draft import (
    CtaoDraft,
    check_input,
    check_limit,
    processing,
    simulating,
)
from dirac_prodsys.communities.ctao.rules.inputs import CtaoInput
from dirac_prodsys.communities.ctao.types import settings
from dirac_prodsys.communities.ctao.types.job_types import PREFIX, ctao_type
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.steps import graph, leaves
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.draft import description
from dirac_prodsys.core.steps.leaves import check_conditions
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.step_plan import Datasets, Sample, StepPlan


def plan_steps(
    production: Production, order: Iterable[str], run: str, datasets: Datasets, problems: Problems
) -> dict[str, StepPlan]:
    """Return the plans of the correct steps, by name; mistakes of the others are noted.

    :param order: names of the steps, parents first.
    :param datasets: queries of datasets, by name, as the catalogue has them. A step that depends on
        another dataset gets a body that cannot be rendered, and no queries.
    """
    contexts = {s.name: StepContext(production, s, run, problems) for s in production.steps}
    drafts: dict[str, CtaoDraft] = {}
    for name in order:
        drafted = _draft(contexts[name], drafts, datasets)
        if drafted is not None:
            drafts[name] = drafted
    drafts = _certain(drafts)
    feeders = _feeders(drafts, problems)
    trained = feeding.trained(drafts)
    plans: dict[str, StepPlan] = {}
    for name, drafted in drafts.items():
        if not drafted.settings.complete:
            continue
        if drafted.output is not None:
            own = "base_path" in drafted.settings.config
            where: Path = ("steps", name, "job", "base_path") if own else ("common", "base_path")
            base_path = drafted.settings["base_path"]
            check_directories(base_path, drafted.output, production.vo, where, problems)
        plan = _plan(contexts[name], drafted)
        late = tuple(f for f in trained[name] if f not in drafted.parents)
        fed = tuple(dict.fromkeys((*feeders[name], *late)))
        start = "on_complete" if trained[name] else plan.start
        plans[name] = replace(plan, feeders=fed, start=start)
    for step in production.steps:
        if step.name not in plans and step.dataset is not None:
            here = contexts[step.name].below("dataset")
            leaves.dataset_conditions(step.dataset, here)
            leaves.dataset_words(step.dataset, None, here, partial=True)
    remarks.remark(drafts, feeders, problems)
    made = {name: plan.dataset for name, plan in plans.items() if plan.dataset is not None}
    leaves.check_datasets(made, problems)
    return plans


def _certain(drafts: Mapping[str, CtaoDraft]) -> dict[str, CtaoDraft]:
    """Return the drafts with known input and output; parents come before children."""
    found: dict[str, CtaoDraft] = {}
    for name, drafted in drafts.items():
        if drafted.settings.exact and all(parent in found for parent in drafted.parents):
            found[name] = drafted
    return found


def _draft(
    context: StepContext, drafts: Mapping[str, CtaoDraft], datasets: Datasets
) -> CtaoDraft | None:
    step = context.step
    kind = ctao_type(str(step.job["type"]).removeprefix(PREFIX))
    place = (*context.path, "job")
    given = settings.read(kind, step.job["common"], step.job["config"], place, context.problems)
    if kind.simulation:
        return _simulation(context, given)
    check_limit(context, step.job["config"])
    right, taken = _taken(context.below("input"), drafts, datasets)
    if given is None and taken is not None:  # its input can be wrong, too
        check_input(context, kind, taken, step.job["config"])
    if given is None or taken is None or not right:
        return None
    return processing(context, given, taken)


def _simulation(context: StepContext, given: Settings | None) -> CtaoDraft | None:
    if context.step.input is not None:
        reason = "a simulation takes no files, and its input_meta_query would be ignored"
        context.add(("input",), reason, "leave its values empty", on_key=True, code="unknown-key")
    if context.step.start == "on_complete":
        reason = "there is no parent step that could complete"
        context.add(("start",), reason, "drop start", code="wrong-value")
    return None if given is None else simulating(context, given)


def _taken(
    here: StepContext, drafts: Mapping[str, CtaoDraft], datasets: Datasets
) -> tuple[bool, CtaoInput | None]:
    """Return whether all was well, and the input; None if its parent has no output."""
    before = len(here.problems.found)
    source = here.step.input
    if source is None:
        raise ValueError(f"step {here.step.name} works on files, and was made without an input")
    where = inputs.narrowing(source.where, (*here.path, "where"), here.problems)
    taken: CtaoInput | None
    if source.steps:
        taken = _from_parent(source.steps[0], where, drafts, here)
    elif source.dataset is not None:
        taken = inputs.from_dataset(source.dataset, where, datasets, here)
    else:
        taken = inputs.from_catalogue(where, here)
    return len(here.problems.found) == before, taken


def _from_parent(
    name: str, where: Mapping[str, Any], drafts: Mapping[str, CtaoDraft], here: StepContext
) -> CtaoInput | None:
    if name not in drafts:  # the parent itself is wrong, which was reported
        return None
    output = drafts[name].output
    if output is None:
        reason = f"only the jobs of {name} know what it simulates: its files cannot be selected"
        hint = "give this step a catalogue query of its own"
        here.add(("from", 0), reason, hint, code="empty-link")
        return None
    return inputs.from_parent(output, where, here)


def _feeders(drafts: Mapping[str, CtaoDraft], problems: Problems) -> dict[str, tuple[str, ...]]:
    """Return step → steps that feed it without being its parents."""
    outputs = {name: d.output for name, d in drafts.items() if d.output is not None}
    found = feeding.feeders(drafts, problems, outputs)
    edges = {name: (*drafted.parents, *found[name]) for name, drafted in drafts.items()}
    if all(parent in drafts for parents in edges.values() for parent in parents):
        graph.build(edges, problems)
    return found


def _plan(context: StepContext, drafted: CtaoDraft) -> StepPlan:
    step, taken, output = drafted.step, drafted.taken, drafted.output
    query = None if taken.unresolved or drafted.kind.simulation else taken.known
    if query is not None:
        check_conditions(query, (*context.path, "input"), context.problems)
    made = None if output is None else Output(step.name, "", {}, output.known)
    spec = TransformationSpec(
        name=naming.SEPARATOR.join((context.production.name, context.run, step.name)),
        description=description(context),
        type=drafted.kind.transformation,
        # as cta-prod-submit creates it; starting sets it to Automatic
        agent_type="Manual",
        group=context.production.name,
        group_size=float(drafted.settings.get("group_size", 1)),
        tasks=step.tasks,
        body=drafted.body(),
        input_query=None if drafted.limit else query,
        output_query=None if output is None or output.unresolved else output.known,
        directories=() if output is None else directories(drafted.settings["base_path"], output),
    )
    return StepPlan(
        name=step.name,
        transformation=spec,
        dataset=leaves.dataset(
            context, made, partial=output is not None and bool(output.unresolved)
        ),
        parents=drafted.parents,
        start=step.start,
        rules=replace(
            step.policy.rules(
                needs_input=not drafted.kind.simulation, tasks=step.tasks, listed=drafted.limit
            ),
            by_hand=drafted.kind.simulation and step.tasks is None,
        ),
        sample=Sample(query, drafted.limit) if query is not None and drafted.limit else None,
    )
