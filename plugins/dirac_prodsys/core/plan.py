"""The plan: what a run of a production would send to the grid, complete, before anything is sent.

``compile`` is the heart of the house: a ``Production`` and a run go in, one transformation per step
comes out, with its body, its meta queries, its directories and its dataset. What ``plan`` prints is
what the operators send.

Invariant: pure and total: the same production and run give the same plan, digit for digit, and
a production that cannot be planned is told all its mistakes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core import graph, linking
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.names import check_names
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production import Production, Step
from dirac_prodsys.core.specs import CtaoSpec, DatasetSpec, TransformationSpec, plain
from dirac_prodsys.core.step_draft import StepDraft, draft
from dirac_prodsys.core.step_output import check_datasets
from dirac_prodsys.core.step_shape import check_runs, orders
from dirac_prodsys.errors import DefinitionErrors

#: name of a dataset → its meta query
Datasets = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Input for a trial: the first files of a query, attached once, when the step starts."""

    query: MetaQuery
    limit: int


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

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        extra: dict[str, Any] = {"feeders": list(self.feeders)} if self.feeders else {}
        if self.sample is not None:
            query = self.sample.query.to_dirac()
            extra["sample"] = {"query": query, "limit": self.sample.limit}
        if self.after:
            extra["after"] = list(self.after)
        if self.awaits:
            extra["awaits"] = list(self.awaits)
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
    """

    production: str
    vo: str
    run: str
    connection: str
    description: str
    steps: tuple[StepPlan, ...]

    def step(self, name: str) -> StepPlan:
        """The step of that name; KeyError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Datasets whose queries the plan lacks: until it has them, it cannot be sent."""
        bodies = [step.transformation.body for step in self.steps]
        named = [body.unresolved for body in bodies if isinstance(body, CtaoSpec)]
        named += [step.awaits for step in self.steps]
        return tuple(sorted({dataset for names in named for dataset in names}))

    @property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) of the JSON form: equal plans, equal digests."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**self._content(), "digest": self.digest}

    def _content(self) -> dict[str, Any]:
        return {
            "production": self.production,
            "vo": self.vo,
            "run": self.run,
            "connection": self.connection,
            "description": self.description,
            "steps": [step.to_dict() for step in self.steps],
        }


def compile(
    production: Production,
    *,
    run: str,
    datasets: Datasets | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> ProductionPlan:
    """The plan of one run.

    :param run: run tag (``naming.run_tag``).
    :param parameters: what the run says of the production's parameters; None: it is not asked
        yet, and their defaults, or examples where there is none, stand for them.
    :param datasets: meta queries of datasets that steps take, by name, in the catalogue's form and
        order; the plan says in ``unresolved`` which others it would need to be complete.
    :raises DefinitionErrors: the production cannot be planned; every mistake is told.
    """
    if parameters is not None:
        production = production.bind(parameters)
    problems = Problems()
    plan = check(production, run, problems, datasets=datasets)
    if plan is None:
        raise DefinitionErrors(production.at_place(problem) for problem in problems.found)
    return plan


def check(
    production: Production,
    run: str,
    problems: Problems,
    *,
    unread: frozenset[str] = frozenset(),
    datasets: Datasets | None = None,
) -> ProductionPlan | None:
    """As :func:`compile`, but mistakes are noted, and then there is no plan.

    :param unread: names of steps that exist and are so wrong that ``production`` lacks them: what
        refers to them is not checked.
    """
    before = len(problems.found)
    check_names(production, run, problems)
    parents = {s.name: () if s.input is None else s.input.steps for s in production.steps}
    waits = orders(production.steps, unread, problems)
    edges = {name: (*named, *waits[name]) for name, named in parents.items()}
    steps = graph.build({**edges, **dict.fromkeys(unread, ())}, problems)
    if production.dialect == "ctao":
        plans = _ctao_plans(production, steps, run, datasets or {}, problems)
    else:
        plans = _native_plans(production, steps, run, datasets or {}, problems, unread)
    if steps is None or unread or len(problems.found) > before:
        return None
    return ProductionPlan(
        production=production.name,
        vo=production.vo,
        run=run,
        connection=production.connection,
        description=production.description,
        steps=tuple(plans[name] for name in steps.order),
    )


def _ctao_plans(
    production: Production,
    steps: graph.StepGraph | None,
    run: str,
    datasets: Datasets,
    problems: Problems,
) -> dict[str, StepPlan]:
    from dirac_prodsys.core.ctao.planning import plan_steps  # which makes plans of this module

    order = [step.name for step in production.steps] if steps is None else steps.order
    return plan_steps(production, order, run, datasets, problems)


def _native_plans(
    production: Production,
    steps: graph.StepGraph | None,
    run: str,
    datasets: Datasets,
    problems: Problems,
    unread: frozenset[str],
) -> dict[str, StepPlan]:
    parents = {s.name: () if s.input is None else s.input.steps for s in production.steps}
    drafts = {step.name: draft(production, step, run, problems) for step in production.steps}
    outputs = {d.output.step: d.output for d in drafts.values() if d.output is not None}
    unclear = unread | {s.name for s in production.steps if s.output and s.name not in outputs}
    linking.check_directories(outputs, problems)
    check_runs(production.steps, problems)
    check_datasets({n: d.dataset for n, d in drafts.items() if d.dataset is not None}, problems)
    plans: dict[str, StepPlan] = {}
    relays: dict[str, linking.Relay] = {}
    awaiting: dict[str, str] = {}
    order = steps.order if steps is not None else [step.name for step in production.steps]
    for step in (drafts[name].step for name in order if name not in unread):
        linked = steps is not None and not unclear & set(parents[step.name])
        query, drafted = None, drafts[step.name]
        wanted = drafted.wanted
        if wanted is not None and linked:
            late = [awaiting[p] for p in parents[step.name] if p in awaiting]
            if late:  # what it takes is what a dataset holds that is not looked up yet
                wanted = replace(wanted, parents=(), dataset=late[0])
                drafted = replace(drafted, wanted=wanted)
            query = linking.input_query(
                wanted, outputs, problems, relays=relays, datasets={} if late else datasets
            )
            if drafted.hands_on and query is not None:
                relays[step.name] = linking.relay(query, parents[step.name], relays)
            elif drafted.hands_on and wanted.dataset is not None:
                awaiting[step.name] = wanted.dataset
        if drafted.hands_on and query is None and step.name not in awaiting:
            unclear = unclear | {step.name}
        one = _step_plan(step, drafted, query, problems)
        if one is not None:
            plans[step.name] = one
    return plans


def _step_plan(
    step: Step, drafted: StepDraft, query: MetaQuery | None, problems: Problems
) -> StepPlan | None:
    spec = drafted.transformation(query, problems)
    if spec is None:
        return None
    wanted = drafted.wanted
    return StepPlan(
        name=step.name,
        transformation=spec,
        dataset=drafted.dataset,
        parents=() if step.input is None else step.input.steps,
        start=step.start,
        after=step.after,
        rules=step.policy.rules(
            needs_input=drafted.takes_input,
            tasks=step.tasks,
            listed=len(spec.files) or None,
        ),
        awaits=()
        if query is not None or wanted is None or not wanted.dataset
        else (wanted.dataset,),
    )
