"""Finds steps that apply a model before it is trained: only the model's file links the two.

A job that applies a model finds it by name, so no input query leads to the step that trains it.
Such a step starts with its own input, and its jobs fail, or take an older model.

Invariant: reported only if the production trains a model that the step could wait for. A step that
waits for something that others make (``wait_for``) has its model from there; if jobs look up their
models in the catalogue, their community knows whose models they take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dirac_prodsys.core.grid.specs import JobSpec
from dirac_prodsys.core.plan import gate_cycles
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.steps.step_plan import StepPlan

#: maximum number of names in a hint
_SHOWN = 5


def check(subject: Subject) -> Iterator[Problem]:
    """Check every step that applies models."""
    training = [name for name, step in subject.steps.items() if _is(step, "Training")]
    applying = [name for name, step in subject.steps.items() if _is(step, "ApplyModel")]
    if not training or not applying:
        return
    waits = _waits(subject)
    makers = gate_cycles.makers_of(subject.steps)
    behind = {name: _before(name, waits) for name in training}
    for name in applying:
        if any(not makers.of(gate) for gate in subject.steps[name].gates):
            continue
        looked_up = subject.derived(name)
        could = [
            one
            for one in training
            if name not in behind[one] and not (looked_up and subject.derived(one))
        ]
        if not could or not _before(name, waits).isdisjoint(training):
            continue
        yield Problem(
            ("steps", name),
            f"step {name} applies a model, and waits for no step that trains one: "
            f"{', '.join(could[:_SHOWN])}",
            f"add after: [{could[0]}], and give its jobs the model: under job.sandbox, or as input",
            on_key=True,
            code="model-not-awaited",
        )


def _is(step: StepPlan, kind: str) -> bool:
    """Whether its transformation, or its jobs, are of that type, or of a site's own kind of it."""
    body = step.transformation.body
    types = [step.transformation.type, body.job_type if isinstance(body, JobSpec) else ""]
    return any(one == kind or one.startswith(f"{kind}_") for one in types)


def _waits(subject: Subject) -> dict[str, list[str]]:
    """Map each step, and each check of a loop, to those that it waits for, for any reason."""
    steps, makers = subject.steps, gate_cycles.makers_of(subject.steps)
    named = {n: (*step.parents, *step.feeders, *step.after) for n, step in steps.items()}
    found = gate_cycles.edges_of(named, subject.plan.loops)
    for name, step in steps.items():
        found[name] += [maker for gate in step.gates for maker in makers.of(gate)]
    return found


def _before(step: str, waits: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    left = list(waits.get(step, ()))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += waits.get(name, ())
    return found
