"""Compiles a plan: everything that a run of a production would send to the grid, before it is sent.

``compile`` is the centre of this package: it takes a ``Production`` and a run, and returns one
transformation per step, with its body, its meta queries, its directories and its dataset. What
``plan`` prints is what the operators send.

Invariant: pure and total: the same production and run give the same plan, digit for digit, and all
mistakes of a production that cannot be planned are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.job_types import derives
from dirac_prodsys.core.plan.linked_plans import LinkedPlans
from dirac_prodsys.core.plan.literals import check_literals
from dirac_prodsys.core.plan.names import check_names
from dirac_prodsys.core.plan.values import LoopPlan, ProductionPlan
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production.production import NATIVE, Production
from dirac_prodsys.core.steps import graph, linking, own_directories, spellings
from dirac_prodsys.core.steps.context import StepContext, run_values
from dirac_prodsys.core.steps.draft import StepDraft, draft, fill_approval
from dirac_prodsys.core.steps.leaves import check_datasets
from dirac_prodsys.core.steps.removals import copies, takes_away
from dirac_prodsys.core.steps.shape import check_runs, declared_types, orders
from dirac_prodsys.core.steps.step_plan import Datasets, Derived, StepPlan
from dirac_prodsys.errors import DefinitionErrors


def compile(
    production: Production,
    *,
    run: str,
    datasets: Datasets | None = None,
    parameters: Mapping[str, Any] | None = None,
    last: Mapping[str, int] | None = None,
) -> ProductionPlan:
    """Return the plan of one run.

    :param run: run tag (``naming.run_tag``).
    :param parameters: the run's values of the production's parameters; None: not asked yet, their
        defaults, or else examples, are used.
    :param last: last passes of loops that have ended; for other loops the last possible pass is
        used.
    :param datasets: dataset name → meta query, for datasets that steps take, in the catalogue's
        form and order; the plan lists in ``unresolved`` which others it needs to be complete.
    :raises DefinitionErrors: the production cannot be planned; every mistake is reported.
    """
    if parameters is not None:
        production = production.bind(parameters)
    if last:
        from dirac_prodsys.core.plan.loops import with_last_passes  # few have loops

        production = with_last_passes(production, last)
    problems = Problems()
    plan = try_plan(production, run, problems, datasets=datasets)
    if plan is None:
        raise DefinitionErrors(production.at_place(problem) for problem in problems.found)
    return plan


def try_plan(
    production: Production,
    run: str,
    problems: Problems,
    *,
    unread: frozenset[str] = frozenset(),
    datasets: Datasets | None = None,
) -> ProductionPlan | None:
    """Do the same as :func:`compile`, but note mistakes; with mistakes there is no plan.

    :param unread: names of steps that exist but are so wrong that ``production`` lacks them:
        references to them are not checked.
    """
    before = len(problems.found)
    check_names(production, run, problems)
    check_literals(production, problems)
    if production.schedule is not None:
        from dirac_prodsys.core.plan import schedules  # few have one

        schedules.check(production, problems)
    asked = fill_approval(
        production.approval, run_values(production, run), ("production", "approval"), problems
    )
    repeated: tuple[LoopPlan, ...] = ()
    if production.loops:
        from dirac_prodsys.core.plan.loops import plan_loops  # few have loops

        repeated = plan_loops(production, run, problems)
    parents = {step.name: step.parents for step in production.steps}
    waits = orders(production.steps, unread, problems)
    edges = {name: (*named, *waits[name]) for name, named in parents.items()}
    steps = graph.build({**edges, **dict.fromkeys(unread, ())}, problems)
    plan_steps = _planning(production)
    if plan_steps is None:
        plans = _native_plans(production, steps, run, datasets or {}, problems, unread)
    else:
        order = [step.name for step in production.steps] if steps is None else steps.order
        known = [name for name in order if name not in unread]
        plans = plan_steps(production, known, run, datasets or {}, problems)
        spellings.check(spellings.in_outputs(plans.values()), problems)
    if repeated or any(step.gates for step in plans.values()):
        from dirac_prodsys.core.plan import gate_cycles  # few have gates

        waits_for = {n: (*edges.get(n, ()), *step.feeders) for n, step in plans.items()}
        gate_cycles.check(plans, waits_for, repeated, problems)
    if steps is None or unread or len(problems.found) > before:
        return None
    plans = own_directories.with_own_directories(production.steps, plans)
    plan = ProductionPlan(
        production=production.name,
        vo=production.vo,
        run=run,
        connection=production.connection,
        description=production.description,
        steps=tuple(plans[name] for name in steps.order),
        approval=asked,
        loops=repeated,
    )
    if any(takes_away(step.transformation) or copies(step.transformation) for step in plan.steps):
        from dirac_prodsys.core.plan import removals  # few manage data
        from dirac_prodsys.core.plan.subject import Subject

        problems.found += removals.check(Subject(production, plan))
    return None if len(problems.found) > before else plan


def _planning(production: Production) -> Callable[..., dict[str, StepPlan]] | None:
    """Return how a community plans the steps of its form; None: as those of the native form."""
    community = None if production.dialect == NATIVE else community_of(production.dialect)
    if community is None or not community.plan_steps:
        return None
    found: Callable[..., dict[str, StepPlan]] = community.offered(community.plan_steps)
    return found


def _native_plans(
    production: Production,
    steps: graph.StepGraph | None,
    run: str,
    datasets: Datasets,
    problems: Problems,
    unread: frozenset[str],
) -> dict[str, StepPlan]:
    types = declared_types(production, problems)
    drafts = {
        step.name: draft(StepContext(production, step, run, problems), types)
        for step in production.steps
    }
    outputs = {d.output.step: d.output for d in drafts.values() if d.output is not None}
    unclear = unread | {s.name for s in production.steps if s.output and s.name not in outputs}
    linking.check_directories(outputs, problems)
    check_runs(production.steps, problems)
    order = steps.order if steps is not None else [step.name for step in production.steps]
    derived = _derived(production, drafts, order, datasets, problems)
    outputs |= derived.outputs
    spellings.check(spellings.in_native(production, outputs), problems)
    plans = dict(derived.plans)
    made = {n: d.dataset for n, d in drafts.items() if d.dataset is not None}
    made |= {n: p.dataset for n, p in plans.items() if p.dataset is not None}
    check_datasets(made, problems)
    unclear = unclear | {n for n, d in drafts.items() if derives(d.step.job)} - plans.keys()
    known = [name for name in order if name not in unread]
    linked = LinkedPlans(
        drafts, known, outputs, derived, datasets, unclear, ordered=steps is not None
    )
    return plans | linked.made(problems)


def _derived(
    production: Production,
    drafts: Mapping[str, StepDraft],
    order: Iterable[str],
    datasets: Datasets,
    problems: Problems,
) -> Derived:
    families: dict[str, str] = {}
    for name, drafted in drafts.items():
        if derives(drafted.step.job):
            families.setdefault(str(drafted.step.job["type"]).partition(":")[0], name)
    if not families:
        return Derived()
    (family, _), *others = families.items()
    for other, step in others:
        reason = f"jobs of {family} and of {other} cannot stand in one production: each derives"
        hint = "write two files, and let one wait for the other"
        problems.add(("steps", step, "job", "type"), reason, hint, code="step-shape")
    if others:
        return Derived()
    community = community_of(family)
    found: Derived = community.offered(community.derive)(
        production, drafts, order, datasets, problems
    )
    return found
