"""Estimates how many files, tasks and jobs a production will have, if counts allow.

The estimate assumes that every task succeeds and leaves the files that its step names; what cannot
be known beforehand is a span with an open end. Tasks of Standard steps are counted as the plugin
makes them (``TransformationPlugin._Standard``): groups of files that lie on the same storage
elements, the last group of each being smaller.

Invariant: if all goes well, the true number lies within the span.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dirac_prodsys.core.grid.specs import JobSpec
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.steps.step_plan import StepPlan


@dataclass(frozen=True)
class Span:
    """A number between two others.

    :param high: None if there is no bound.
    """

    low: int
    high: int | None

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high

    def __add__(self, other: Span) -> Span:
        open_end = self.high is None or other.high is None
        return Span(
            self.low + other.low, None if open_end else (self.high or 0) + (other.high or 0)
        )

    def __mul__(self, factor: int) -> Span:
        return Span(self.low * factor, None if self.high is None else self.high * factor)

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.low:,} or more" if self.low else "an unknown number of"
        return f"{self.low:,}" if self.exact else f"{self.low:,} to {self.high:,}"


UNKNOWN = Span(0, None)
NONE = Span(0, 0)


@dataclass(frozen=True)
class Estimate:
    """The estimate for one step.

    :param files_in: storage element → number of files that the step takes from there; ``""``:
        unknown.
    :param tasks: number of jobs or requests.
    """

    files_in: Mapping[str, Span]
    tasks: Span
    files_out: Mapping[str, Span]

    @property
    def taken(self) -> Span:
        """Return the number of all files that it takes."""
        return sum(self.files_in.values(), NONE)

    @property
    def made(self) -> Span:
        """Return the number of all files that it leaves."""
        return sum(self.files_out.values(), NONE)


def estimate(subject: Subject, counts: Mapping[str, int] | None = None) -> dict[str, Estimate]:
    """Estimate each step, parents first.

    :param counts: step without parents → number of files that the catalogue has for it.
    """
    found: dict[str, Estimate] = {}
    for step in subject.plan.steps:
        files_in = _files_in(subject, step, found, counts or {})
        tasks = _tasks(step, files_in)
        files_out = _files_out(step, tasks)
        if step.name in subject.relays:  # on which storage elements, the plugin decides
            files_out = {"": sum(files_in.values(), NONE)}
        found[step.name] = Estimate(files_in, tasks, files_out)
    return found


def _files_in(
    subject: Subject, step: StepPlan, found: Mapping[str, Estimate], counts: Mapping[str, int]
) -> dict[str, Span]:
    if not step.rules.needs_input:
        return {}
    if step.name in counts:
        return {"": Span(counts[step.name], counts[step.name])}
    if step.transformation.files:
        return {"": Span(len(step.transformation.files), len(step.transformation.files))}
    files: dict[str, Span] = {}
    sources = dict.fromkeys((*step.parents, *step.feeders))
    known = step.name in subject.takes and all(s in subject.leaves for s in sources)
    if not sources or not known or step.feeders:
        return {"": UNKNOWN}
    for parent in sources:
        part = subject.links[parent, step.name]
        for se, span in found[parent].files_out.items():
            taken = span if part.share == "all" else Span(0, span.high)
            files[se] = files.get(se, NONE) + taken
    if step.sample is not None:
        return {"": Span(0, step.sample.limit)}
    return files


def _tasks(step: StepPlan, files: Mapping[str, Span]) -> Span:
    spec = step.transformation
    if not step.rules.needs_input:
        return UNKNOWN if spec.tasks is None else Span(spec.tasks, spec.tasks)
    taken = sum(files.values(), NONE)
    if spec.plugin != "Standard" or spec.group_size < 1 or spec.group_size % 1:
        return Span(min(taken.low, 1), None)
    size = int(spec.group_size)
    if "" in files:  # on any storage elements
        low = math.ceil(taken.low / size)
        exact = low if taken.exact and size == 1 else None
        return Span(low, exact)
    tasks = NONE
    for span in files.values():
        high = None if span.high is None else math.ceil(span.high / size)
        tasks += Span(math.ceil(span.low / size), high)
    return tasks


def _files_out(step: StepPlan, tasks: Span) -> dict[str, Span]:
    body = step.transformation.body
    if step.transformation.output_query is None:
        return {}
    if not isinstance(body, JobSpec) or not body.outputs:
        return {"": UNKNOWN}
    files: dict[str, Span] = {}
    for output in body.outputs:
        files[output.se] = files.get(output.se, NONE) + tasks
    return files
