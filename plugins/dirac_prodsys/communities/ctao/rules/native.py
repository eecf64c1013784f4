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
from typing import Any, ClassVar

from dirac_prodsys.communities.ctao.rules import directories, inputs, remarks
from dirac_prodsys.communities.ctao.rules.derivation import Derivation
from dirac_prodsys.communities.ctao.rules.draft import CtaoDraft
from dirac_prodsys.communities.ctao.types import settings
from dirac_prodsys.communities.ctao.types.job_types import CtaoType
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import WRITTEN_AS, in_catalogue_words
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.draft import StepDraft
from dirac_prodsys.core.steps.step_plan import Datasets, Derived

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
    return _NativeDerivation(written, datasets, problems).run(order)


class _NativeDerivation(Derivation):
    """The steps of a file of the native form, of any type."""

    words: ClassVar[Mapping[str, str]] = {}  # the catalogue's own

    def settings(self, context: StepContext, kind: CtaoType) -> Settings | None:
        self._check(context, kind)
        return _settings(context, kind)

    def narrowed(self, where: Mapping[str, Any], here: StepContext) -> dict[str, Any] | None:
        where = here.quiet.fill(where, "where")
        for word in WRITTEN_AS.values():
            if word in where:
                with here.at("where", word):
                    name, value = in_catalogue_words(word, where[word])
                    reason, hint = f"the catalogue has no {word}", f"write {name}: {value}"
                    here.add(("where", word), reason, hint, on_key=True, code="condition")
                return None
        return inputs.narrowing(where, (), Problems())  # the link itself reports mistakes

    def remark(self, feeders: Mapping[str, tuple[str, ...]]) -> None:
        remarks.of_inputs(self.drafts, feeders, self.problems)
        _check_nesting(self.drafts, self.written, self.problems)

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


def _check_nesting(
    drafts: Mapping[str, CtaoDraft], written: Mapping[str, StepDraft], problems: Problems
) -> None:
    """Note a directory field that a directory above has as well: the catalogue refuses it.

    :param written: every step, not yet linked to others.
    """
    shared = {
        d.path: set(d.metadata)
        for drafted in drafts.values()
        if drafted.output is not None and drafted.settings.complete
        for d in directories.directories(drafted.settings["base_path"], drafted.output)
    }
    for name, native in written.items():
        own = native.output
        for above, fields in shared.items() if own is not None else ():
            if own is None or not own.directory.startswith(f"{above}/"):
                continue
            twice = sorted(fields & own.metadata.keys())
            if twice:
                problems.add(
                    ("steps", name, "output", "directory"),
                    f"the directory lies below {above}, and both have {', '.join(twice)}: the "
                    "catalogue refuses that",
                    "give the step a directory of its own, side by side",
                    code="directories",
                )
