"""Plans the steps whose jobs are CTAO's, in whatever form they are written.

Steps are derived parents first, because a step's input is its parent's output. What the two forms
say in different words is read by a subclass each: ``planning`` reads CTAO's own form, ``native``
the native form.

Invariant: a step gives the same transformation in either form, the body to the byte; and a mistake
in one step is reported without stopping the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from dirac_prodsys.communities.ctao.rules import directories, feeding, inputs
from dirac_prodsys.communities.ctao.rules.draft import (
    CtaoDraft,
    check_input,
    processing,
    simulating,
)
from dirac_prodsys.communities.ctao.rules.inputs import CtaoInput
from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.communities.ctao.types.job_types import PREFIX, CtaoType, ctao_type
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import bare, known_query, single
from dirac_prodsys.core.grid.specs import DirectorySpec, MetaValue
from dirac_prodsys.core.job_types import derives
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.query import meta_query
from dirac_prodsys.core.steps import graph, leaves, linking
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.draft import StepDraft
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.step_plan import Datasets, Derived, StepPlan
from dirac_prodsys.errors import MetaQueryError


@dataclass
class Derivation(ABC):
    """The steps of one production, on their way from what is written to their plans.

    :param written: every step, not yet linked to others.
    :param datasets: queries of datasets, by name, as the catalogue has them. A step that depends on
        another dataset gets a body that cannot be rendered, and no queries.
    :param drafts: step → what its jobs are given, take and leave.
    :param left: step, of any type → its output, as CTAO's rules see it.
    """

    written: Mapping[str, StepDraft]
    datasets: Datasets
    problems: Problems
    drafts: dict[str, CtaoDraft] = field(default_factory=dict)
    left: dict[str, CtaoOutput] = field(default_factory=dict)

    #: metadata field → its name where an input is written
    words: ClassVar[Mapping[str, str]]

    @abstractmethod
    def settings(self, context: StepContext, kind: CtaoType) -> Settings | None:
        """Return the settings of a step, and note what else is wrong with it in this form."""

    @abstractmethod
    def narrowed(self, where: Mapping[str, Any], here: StepContext) -> dict[str, Any] | None:
        """Return the conditions ``where`` of an input; None if they cannot be read."""

    @abstractmethod
    def remark(self, feeders: Mapping[str, tuple[str, ...]]) -> None:
        """Note remarks on the drafts.

        :param feeders: step → steps that feed it without being its parents.
        """

    def run(self, order: Iterable[str]) -> Derived:
        """Plan the steps; wrong ones are noted, and missing in the result.

        :param order: names of the steps, parents first.
        """
        names = [name for name in order if name in self.written]
        for name in names:
            step = self.written[name]
            if not derives(step.step.job):
                output = self._of_another(step)
            else:
                drafted = self._draft(step)
                output = None if drafted is None else drafted.output
                if drafted is not None:
                    self.drafts[name] = drafted
            if output is not None:
                self.left[name] = output
        self._drop_uncertain(names)
        return self._planned()

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

    def _draft(self, written: StepDraft) -> CtaoDraft | None:
        context, job = written.context, written.step.job
        kind = ctao_type(str(job["type"]).removeprefix(PREFIX))
        given = self.settings(context, kind)
        if kind.simulation:
            return None if given is None else simulating(context, given)
        before = len(context.problems.found)
        taken = self._taken(written, context)
        right = len(context.problems.found) == before
        if given is None and taken is not None:  # its input can be wrong, too
            check_input(context, kind, taken, job.get("config", job), self.words)
        if given is None or taken is None or not right:
            return None
        return processing(context, given, taken, self.words)

    def _taken(self, drafted: StepDraft, context: StepContext) -> CtaoInput | None:
        wanted, source = drafted.wanted, drafted.step.input
        if wanted is None or source is None:
            return None  # reported, or the type takes no input
        here = context.below("input")
        conditions = self.narrowed(source.where, here)
        if conditions is None:
            return None
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
                reason = f"step {parent} has no output that could be found by metadata"
                if parent in self.drafts:
                    reason = (
                        f"only the jobs of {parent} know what it simulates: its files cannot be "
                        "selected"
                    )
                hint = "give this step a catalogue query of its own"
                here.add(("from", index), reason, hint, code="empty-link")
        if len(parts) == len(wanted.parents) == 1:
            return parts[0]
        if len(parts) < len(wanted.parents) or len(here.problems.found) > before:
            return None
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

    def _drop_uncertain(self, names: Iterable[str]) -> None:
        """Forget steps that were only drafted to check those that take from them."""
        uncertain: set[str] = set()
        for name in names:
            step, drafted = self.written[name], self.drafts.get(name)
            inherits = derives(step.step.job) or step.hands_on
            unknown = drafted is not None and not drafted.settings.exact
            if unknown or (inherits and not uncertain.isdisjoint(step.step.parents)):
                uncertain.add(name)
                self.drafts.pop(name, None)
                self.left.pop(name, None)

    # -- plans --

    def _planned(self) -> Derived:
        found = Derived()
        fed = self._feeders()
        trained = feeding.trained(self.drafts)
        for name, drafted in self.drafts.items():
            plan = self._plan(drafted, found) if drafted.settings.complete else None
            if plan is not None:
                late = tuple(f for f in trained[name] if f not in drafted.parents)
                start = "on_complete" if trained[name] else plan.start
                feeders = tuple(dict.fromkeys((*fed[name], *late)))
                found.plans[name] = replace(plan, feeders=feeders, start=start)
        for name, written in self.written.items():
            dataset = written.step.dataset
            if dataset is not None and derives(written.step.job) and name not in found.plans:
                here = written.context.below("dataset")
                leaves.dataset_conditions(dataset, here)
                leaves.dataset_words(dataset, None, here, partial=True)
        self.remark(fed)
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
        written = self.written[step.name]
        made, partial = None, output is not None and bool(output.unresolved)
        places: tuple[DirectorySpec, ...] = ()
        if output is not None:
            base = drafted.settings["base_path"]
            own = "base_path" in drafted.settings.config
            path: Path = (
                ("steps", step.name, "job", "base_path") if own else ("common", "base_path")
            )
            directories.check(base, output, written.context.production.vo, path, self.problems)
            places = directories.directories(base, output)
            made = _findable(output, places[-1].path if places else base)
            if output.unresolved:
                found.awaiting[step.name] = output.unresolved[0]
            else:
                found.outputs[step.name] = made
        completed = replace(
            written,
            body=drafted.body(),
            output=None if partial else made,
            directories=places,
            dataset=leaves.dataset(written.context, made, partial=partial),
        )
        query = taken.known if taken.query and not taken.unresolved else None
        plan = completed.plan(query, self.problems, late=True, limit=drafted.limit)
        if plan is None:
            return None
        spec = plan.transformation.model_copy(
            update={
                # as cta-prod-submit creates it; starting sets it to Automatic
                "agent_type": "Manual",
                "group_size": float(drafted.settings.get("group_size", 1)),
            }
        )
        by_hand = drafted.kind.simulation and step.tasks is None
        return replace(plan, transformation=spec, rules=replace(plan.rules, by_hand=by_hand))


def _findable(output: CtaoOutput, directory: str) -> Output:
    """Return the output as links of any type of step see it."""
    of_files = known_query({n: form for n, form in output.query.items() if n in output.files})
    conditions = known_query(output.carried).to_dirac()
    metadata: dict[str, MetaValue] = {}
    for name, condition in conditions.items():
        if name not in output.files and single(bare(condition)):
            metadata[name] = bare(condition)
    query = output.known
    return Output(output.step, directory, metadata, query, of_files)
