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
from dirac_prodsys.communities.ctao.rules.inputs import Input
from dirac_prodsys.communities.ctao.rules.outputs import Output
from dirac_prodsys.communities.ctao.types.job_types import CtaoType
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import Unknown, bare, known_query
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.step import Step


@dataclass(frozen=True)
class Draft:
    """A step before its plan.

    :param output: None if only its jobs will know it.
    """

    step: Step
    settings: Settings
    taken: Input
    output: Output | None

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


def simulating(step: Step, given: Settings, problems: Problems) -> Draft | None:
    """Return the draft of a step without input; None if something is wrong."""
    before = len(problems.found)
    output: Output | None
    if "simpipe_config" in given.config:
        output = simpipe.simulated(step.name, given, problems)
    else:
        output = outputs.simulated(step.name, given)
    if output is not None:
        _check_output(output, problems)
    return Draft(step, given, Input(), output) if len(problems.found) == before else None


def processing(
    step: Step,
    given: Settings,
    taken: Input,
    problems: Problems,
    words: Mapping[str, str] = outputs.NEEDED,
) -> Draft | None:
    """Return the draft of a step that takes these files; None if something is wrong.

    :param words: metadata field → its name where the input is written.
    """
    before = len(problems.found)
    output = outputs.processed(step.name, given, taken.query, taken.unresolved, problems, words)
    _check_output(output, problems)
    return Draft(step, given, taken, output) if len(problems.found) == before else None


def check_input(
    step: Step,
    kind: CtaoType,
    taken: Input,
    config: Mapping[str, Any],
    problems: Problems,
    words: Mapping[str, str] = outputs.NEEDED,
) -> None:
    """Note mistakes of an input that do not depend on the settings.

    :param config: the settings as written; their values may be wrong.
    """
    said = {name: bare(condition) for name, condition in taken.query.items()}
    own = {name: "" for name, value in config.items() if value is not None}
    outputs.check_inherited(step.name, kind, {**said, **own}, problems, words)


def check_limit(step: Step, config: Mapping[str, Any], problems: Problems) -> None:
    """Check a trial: it takes a few files of a catalogue query, not files of a parent."""
    if config.get("input_limit") is not None and step.input is not None and step.input.steps:
        reason = "only a step without parents can take a few of its files"
        path: Path = ("steps", step.name, "job", "input_limit")
        problems.add(path, reason, "drop it", on_key=True, code="unknown-key")


def _check_output(output: Output, problems: Problems) -> None:
    """Check that a catalogue can hold all values of the output."""
    with problems.at("steps", output.step, "job"):
        known_query(output.query)


def _known(values: Mapping[str, Any]) -> tuple[tuple[str, JsonValue], ...]:
    return tuple((name, v) for name, v in values.items() if not isinstance(v, Unknown))
