"""Collects what a step is given, takes and leaves, before it becomes a transformation.

Invariant: a draft that exists has no mistakes; a mistake in a step is noted once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from dirac_prodsys.communities.ctao import COMMUNITY
from dirac_prodsys.communities.ctao.rules import outputs, simpipe
from dirac_prodsys.communities.ctao.rules.inputs import CtaoInput
from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.communities.ctao.types.job_types import CtaoType
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import Unknown, bare, known_query
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.steps.context import StepContext


@dataclass(frozen=True)
class CtaoDraft:
    """A step before its plan.

    :param output: None if only its jobs will know it.
    """

    step: Step
    settings: Settings
    taken: CtaoInput
    output: CtaoOutput | None

    @property
    def kind(self) -> CtaoType:
        """Return its job type."""
        return self.settings.kind

    @property
    def parents(self) -> tuple[str, ...]:
        """Return the names of its parents."""
        return self.step.parents

    @property
    def limit(self) -> int | None:
        """Return how many files it takes in a trial."""
        limit: int | None = self.settings.get("input_limit")
        return limit

    def body(self) -> CommunityBody:
        """Return the body of its jobs."""
        given, output = self.settings, self.output
        own: tuple[tuple[str, JsonValue], ...] = given.for_job()
        if output is not None and "data_level" in self.taken.query:
            own = _known({"data_level": output.metadata["data_level"]}) + own
        return CommunityBody(
            kind=COMMUNITY.name,
            job_class=self.kind.job_class,
            settings=own,
            output_metadata=() if output is None else _known(output.metadata),
            file_metadata=_known(given.files if output is None else output.files),
            unresolved=() if output is None else output.unresolved,
        )


def simulating(context: StepContext, given: Settings) -> CtaoDraft | None:
    """Return the draft of a step without input; None if something is wrong."""
    step, before = context.step, len(context.problems.found)
    output: CtaoOutput | None
    if "simpipe_config" in given.config:
        output = simpipe.simulated(context, given)
    else:
        output = outputs.simulated(step.name, given)
    if output is not None:
        _check_output(output, context)
    return (
        CtaoDraft(step, given, CtaoInput(), output)
        if len(context.problems.found) == before
        else None
    )


def processing(
    context: StepContext,
    given: Settings,
    taken: CtaoInput,
    words: Mapping[str, str] = outputs.NEEDED,
) -> CtaoDraft | None:
    """Return the draft of a step that takes these files; None if something is wrong.

    :param words: metadata field → its name where the input is written.
    """
    step, before = context.step, len(context.problems.found)
    output = outputs.processed(context, given, taken.query, taken.unresolved, words)
    _check_output(output, context)
    return CtaoDraft(step, given, taken, output) if len(context.problems.found) == before else None


def check_input(
    context: StepContext,
    kind: CtaoType,
    taken: CtaoInput,
    config: Mapping[str, Any],
    words: Mapping[str, str] = outputs.NEEDED,
) -> None:
    """Note mistakes of an input that do not depend on the settings.

    :param config: the settings as written; their values may be wrong.
    """
    from_query = {name: bare(condition) for name, condition in taken.query.items()}
    own = {name: "" for name, value in config.items() if value is not None}
    outputs.check_inherited(context, kind, {**from_query, **own}, words)


def check_limit(context: StepContext, config: Mapping[str, Any]) -> None:
    """Check a trial: it takes a few files of a catalogue query, not files of a parent."""
    source = context.step.input
    if config.get("input_limit") is not None and source is not None and source.steps:
        reason = "only a step without parents can take a few of its files"
        context.add(("job", "input_limit"), reason, "drop it", on_key=True, code="unknown-key")


def _check_output(output: CtaoOutput, context: StepContext) -> None:
    """Check that a catalogue can hold all values of the output."""
    with context.at("job"):
        known_query(output.query)


def _known(values: Mapping[str, Any]) -> tuple[tuple[str, JsonValue], ...]:
    return tuple((name, v) for name, v in values.items() if not isinstance(v, Unknown))
