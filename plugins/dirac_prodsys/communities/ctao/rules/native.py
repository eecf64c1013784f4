"""Plans steps of the native form with CTAO's jobs: ``job: {type: ctao:CtapipeProcessing, …}``.

Such a step gives its settings and its input, and nothing about its output: directories, metadata
and the query for its files follow by the same rules as in CTAO's own form. It is in one graph with
steps of any other type: it may take their files, and they its files.

Some values are given at the step alone in the native form: the files per task, and the run numbers
of a simulation. Conditions use the words of the catalogue.

Invariant: a step gives the same transformation in either form, the body to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dirac_prodsys.communities.ctao.rules import directories, feeding, inputs, remarks
from dirac_prodsys.communities.ctao.rules.draft import (
    CtaoDraft,
    check_input,
    processing,
    simulating,
)
from dirac_prodsys.communities.ctao.rules.inputs import CtaoInput
from dirac_prodsys.communities.ctao.rules.native_outputs import check_nesting, findable
from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.communities.ctao.types import settings
from dirac_prodsys.communities.ctao.types.job_types import PREFIX, CtaoType, ctao_type
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import WRITTEN_AS, bare, in_catalogue_words
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.job_types import derives
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query import meta_query
from dirac_prodsys.core.steps import graph, linking
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.draft import StepDraft
from dirac_prodsys.core.steps.leaves import dataset
from dirac_prodsys.core.steps.step_plan import Datasets, Derived, StepPlan
from dirac_prodsys.errors import MetaQueryError

#: keys of ``job_config`` with the number that a simulation adds to the task ID to count its runs
_RUN_KEYS = ("start_run_number", "run_number_offset")


def derive(
    production: Production,
    written: Mapping[str, StepDraft],
    order: Iterable[str],
    datasets: Datasets,
    problems: Problems,
) -> Derived:
    """Plan the steps of these types; mistakes are noted.

    :param written: every step, not yet linked to others.
    :param order: names of the steps, parents first.
    """
    names = [name for name in order if name in written]
    return _Derivation(production, written, datasets, problems).run(names)


@dataclass
class _Derivation:
    production: Production
    written: Mapping[str, StepDraft]
    datasets: Datasets
    problems: Problems
    drafts: dict[str, CtaoDraft] = field(default_factory=dict)
    left: dict[str, CtaoOutput] = field(default_factory=dict)  # of any step, as CTAO's rules see it

    def run(self, names: list[str]) -> Derived:
        for name in names:
            context = self.written[name].context
            if derives(context.step.job):
                drafted = self._draft(context)
                if drafted is not None:
                    self.drafts[name] = drafted
                    if drafted.output is not None:
                        self.left[name] = drafted.output
            else:
                output = self._of_another(self.written[name])
                if output is not None:
                    self.left[name] = output
        return self._planned(names)

    def _of_another(self, drafted: StepDraft) -> CtaoOutput | None:
        """Return what a step of any other type leaves or hands on."""
        made = drafted.output
        if made is not None:
            of_files = {name: bare(condition) for name, condition in made.files.to_dirac().items()}
            return CtaoOutput(made.step, {**made.metadata, **of_files}, {})
        if drafted.hands_on:
            quiet = drafted.context.quiet  # the link itself reports its mistakes
            taken = self._taken(drafted, quiet)
            if taken is not None and not quiet.problems:
                query = {name: bare(condition) for name, condition in taken.query.items()}
                return CtaoOutput(drafted.step.name, query, {}, taken.unresolved)
        return None

    def _draft(self, context: StepContext) -> CtaoDraft | None:
        step, problems = context.step, context.problems
        kind = ctao_type(str(step.job["type"]).removeprefix(PREFIX))
        before = len(problems.found)
        self._check(context, kind)
        given = _settings(context, kind)
        usable = given is not None and given.complete
        if kind.simulation:
            wrong = not usable or len(problems.found) > before
            return None if given is None or wrong else simulating(context, given)
        taken = self._taken(self.written[step.name], context)
        if not usable and taken is not None:  # its input can be wrong, too
            check_input(context, kind, taken, step.job, {})
        if given is None or not usable or taken is None or len(problems.found) > before:
            return None
        return processing(context, given, taken, words={})

    def _check(self, context: StepContext, kind: CtaoType) -> None:
        """Note what the native form may not set for such a step."""
        step = context.step
        typed = self.written[step.name].kind
        fits = typed is None or (typed.body == "job" and typed.needs_input != kind.simulation)
        if not fits:
            reason = f"a {kind.name} cannot be the job of a {step.type}"
            hint = f"drop the step's type: it is {kind.transformation}"
            context.add(("type",), reason, hint, code="wrong-value")
        if step.output is not None:
            reason = f"a {kind.name} makes directories and metadata by itself"
            hint = "drop output: `dirac-prodsys plan` shows what it comes to"
            context.add(("output",), reason, hint, on_key=True, code="unknown-key")
        if "group_size" in step.job:
            hint = "write group_size one level up, at the step"
            reason = "the step itself sets how many files a task takes"
            context.add(("job", "group_size"), reason, hint, on_key=True, code="unknown-key")

    def _taken(self, drafted: StepDraft, context: StepContext) -> CtaoInput | None:
        wanted, source = drafted.wanted, drafted.step.input
        if wanted is None or source is None:
            return None  # reported, or the type takes no input
        here = context.below("input")
        where = here.quiet.fill(source.where, "where")
        for word in WRITTEN_AS.values():
            if word in where:
                with here.at("where", word):
                    name, value = in_catalogue_words(word, where[word])
                    reason, hint = f"the catalogue has no {word}", f"write {name}: {value}"
                    here.add(("where", word), reason, hint, on_key=True, code="condition")
                return None
        conditions = inputs.narrowing(where, (), Problems())
        if wanted.files:
            return CtaoInput()
        if wanted.dataset is not None:
            return inputs.from_dataset(wanted.dataset, conditions, self.datasets, here)
        if not wanted.parents:
            return inputs.from_catalogue(conditions, here)
        return self._from_parents(wanted, conditions, here)

    def _from_parents(
        self, wanted: linking.Wanted, conditions: Mapping[str, Any], here: StepContext
    ) -> CtaoInput | None:
        before = len(here.problems.found)
        parts = []
        for index, parent in enumerate(wanted.parents):
            if parent in self.left:
                parts.append(inputs.from_parent(self.left[parent], conditions, here))
            elif parent in self.drafts or self._leaves_nothing(parent):
                here.add(
                    ("from", index),
                    f"step {parent} has no output that could be found by metadata",
                    "give this step a catalogue query of its own",
                    code="empty-link",
                )
        if len(parts) < len(wanted.parents) or len(here.problems.found) > before:
            return None
        if len(parts) == 1:
            return parts[0]
        unresolved = tuple(dict.fromkeys(name for part in parts for name in part.unresolved))
        if unresolved:
            return replace(parts[0], unresolved=unresolved)
        try:
            joint = meta_query.join([part.known for part in parts])
        except MetaQueryError as error:
            here.add(("from",), error.reason, error.hint, code="inexact-join")
            return None
        joined = {name: bare(condition) for name, condition in joint.to_dirac().items()}
        first = [name for name in parts[0].query if name in joined]  # in the body's order
        return CtaoInput({name: joined[name] for name in dict.fromkeys((*first, *joined))})

    def _leaves_nothing(self, name: str) -> bool:
        """Check that a step has no output; a step with mistakes may have meant one."""
        drafted = self.written.get(name)
        if drafted is None or derives(drafted.step.job):
            return False
        return drafted.step.output is None and not drafted.hands_on

    # -- plans --

    def _planned(self, names: list[str]) -> Derived:
        found = Derived()
        fed = self._feeders()
        trained = feeding.trained(self.drafts)
        for name in names:
            if name not in self.drafts:
                continue
            late = tuple(f for f in trained[name] if f not in self.drafts[name].parents)
            plan = self._plan(self.drafts[name], found)
            if plan is not None:
                start = "on_complete" if trained[name] else plan.start
                feeders = tuple(dict.fromkeys((*fed[name], *late)))
                found.plans[name] = replace(plan, feeders=feeders, start=start)
        remarks.of_inputs(self.drafts, fed, self.problems)
        check_nesting(self.drafts, self.written, self.problems)
        return found

    def _feeders(self) -> dict[str, tuple[str, ...]]:
        relays = {n for n, drafted in self.written.items() if drafted.hands_on}
        makers = {name: output for name, output in self.left.items() if name not in relays}
        fed = feeding.feeders(self.drafts, self.problems, makers)
        edges = {
            n: (*d.step.parents, *d.step.after, *fed.get(n, ())) for n, d in self.written.items()
        }
        if all(parent in edges for parents in edges.values() for parent in parents):
            graph.build(edges, self.problems)
        return fed

    def _plan(self, drafted: CtaoDraft, found: Derived) -> StepPlan | None:
        step, output, taken = drafted.step, drafted.output, drafted.taken
        native = self.written[step.name]
        path: Path = ("steps", step.name, "job", "base_path")
        made = None
        places: tuple[DirectorySpec, ...] = ()
        if output is not None:
            base = drafted.settings["base_path"]
            directories.check(base, output, self.production.vo, path, self.problems)
            places = directories.directories(base, output)
            made = findable(output, places[-1].path if places else base)
            if output.unresolved:
                found.awaiting[step.name] = output.unresolved[0]
            else:
                found.outputs[step.name] = made
        completed = replace(
            native,
            body=drafted.body(),
            output=None if output is None or output.unresolved else made,
            directories=places,
            dataset=dataset(
                native.context, made, partial=output is not None and bool(output.unresolved)
            ),
        )
        query = taken.known if taken.query and not taken.unresolved else None
        plan = completed.plan(query, self.problems, late=True, limit=drafted.limit)
        if plan is None:
            return None
        # as cta-prod-submit creates it; starting sets it to Automatic
        manual = plan.transformation.model_copy(update={"agent_type": "Manual"})
        return replace(plan, transformation=manual)


def _settings(context: StepContext, kind: CtaoType) -> Settings | None:
    step = context.step
    config = context.fill(dict(step.job), "job")
    config["type"] = kind.name
    config.pop("group_size", None)
    if step.group_size is not None:
        config["group_size"] = step.group_size
    _count_runs(context, kind, config)
    own = Problems()
    given = settings.read(kind, {}, config, (*context.path, "job"), own)
    for problem in own.found:
        place = problem.path
        if place[2:4] == ("job", "group_size"):
            place = (*context.path, "group_size")
        elif place[:1] == ("common",):
            place = (*context.path, "job", *place[1:])
        reason, hint = problem.reason, problem.hint
        context.problems.add(place, reason, hint, on_key=problem.on_key, code=problem.code)
    context.problems.remarks += own.remarks
    return given


def _count_runs(context: StepContext, kind: CtaoType, config: dict[str, Any]) -> None:
    """Write into ``config`` the number that is added to the task ID; tasks count from 1."""
    numbers = context.step.run_numbers
    key = next((key for key in _RUN_KEYS if key in kind.config.model_fields), None)
    if numbers is None or key is None:
        return
    if config.get(key) is not None:
        reason = f"run_numbers says where the runs of {kind.name} begin"
        hint = "drop one of the two"
        context.add(("job", key), reason, hint, on_key=True, code="wrong-value")
    elif numbers.per_task != 1:
        reason = f"a task of {kind.name} uses one run number"
        context.add(("run_numbers", "per_task"), reason, "drop per_task", code="wrong-value")
    elif numbers.first < 1:
        reason = "the first task has the number 1"
        context.add(("run_numbers", "first"), reason, "write 1 or more", code="wrong-value")
    else:
        config[key] = numbers.first - 1
