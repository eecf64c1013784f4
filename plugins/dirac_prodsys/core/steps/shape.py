"""Checks which keys of a step go together, by its type: files to group, or tasks to count.

Invariant: a valid step defines exactly once how many tasks it has: by its files, by a number, or by
a number of events.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from dirac_prodsys.core import limits
from dirac_prodsys.core.grid.run_numbers import RunRange
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES, TransformationType
from dirac_prodsys.core.problems import Path, Problems, nearest
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import MAX_INTEGER, Step
from dirac_prodsys.core.steps.context import StepContext

#: ID of the rule that a step's keys fit its type
SHAPE = "step-shape"

#: maximum characters of ``Transformations.Type``
MAX_TYPE = limits.TYPE.most

#: the configuration lists types separated by commas and names sections by them; a name of a section
#: has no dot, and DIRAC's Registry and agents take everything else as it is
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

#: keys of types without input, and what to write instead for types with input
_WITHOUT_INPUT = {
    "tasks": "drop tasks; group_size says how many files a task takes",
    "events_per_task": "drop it",
    "target_events": "drop it",
    "max_tasks": "drop it",
    "run_numbers": "drop it",
}
#: keys of types with input
_WITH_INPUT = ("group_size", "plugin", "plugin_parameters")


def declared_types(production: Production, problems: Problems) -> dict[str, TransformationType]:
    """Return the types that the production declares for its site."""
    found = {}
    for name, model in production.types.items():
        path: Path = ("types", name)
        if name in TRANSFORMATION_TYPES:
            reason, hint = f"type {name} is known everywhere", "drop it here"
            problems.add(path, reason, hint, on_key=True, code="twice")
        elif not _TYPE.fullmatch(name) or len(name) > MAX_TYPE:
            hint = f"use letters, digits, _ and -, beginning with a letter, at most {MAX_TYPE}"
            problems.add(path, f"{name!r} cannot name a type", hint, on_key=True, code="name")
        else:
            found[name] = TransformationType(
                name,
                needs_input=model.input,
                body="job" if model.tasks == "jobs" else "request",
                plugin=model.plugin,
                group_size=float(model.group_size),
            )
    return found


def check_shape(context: StepContext, kind: TransformationType) -> None:
    """Check that the keys fit a type with input, or one without."""
    step = context.step
    if kind.needs_input:
        if step.input is None:
            reason = f"type {kind.name} works on files, and there is no input"
            context.add((), reason, "add input: {from: …}", on_key=True, code=SHAPE)
        _refuse(_WITHOUT_INPUT, f"type {kind.name} makes its tasks from its files", context)
        if step.policy.extend is not None:
            reason = f"type {kind.name} makes its tasks from its files, and none are added"
            context.add(("policy", "extend"), reason, "drop extend", on_key=True, code=SHAPE)
    else:
        if step.input is not None:
            reason = f"type {kind.name} has no input"
            context.add(("input",), reason, "drop input", on_key=True, code=SHAPE)
        hints = {key: f"drop {key}" for key in _WITH_INPUT}
        _refuse(hints, f"type {kind.name} has no input to group", context)
        _check_tasks(kind, context)
    if step.start != "streaming" and not (step.input and step.input.steps):
        reason = "there is no parent step that could complete"
        hint = "drop start, or name a step under input.from"
        context.add(("start",), reason, hint, code=SHAPE)


def orders(
    steps: Iterable[Step], unread: Iterable[str], problems: Problems
) -> dict[str, tuple[str, ...]]:
    """Map each step to the other steps that it waits for beside its parents, each named once."""
    written = list(steps)
    names = dict.fromkeys((*(step.name for step in written), *unread))
    found: dict[str, tuple[str, ...]] = {}
    for step in written:
        waits: dict[str, None] = {}
        parents = frozenset(step.parents)
        for index, name in enumerate(step.after):
            path: Path = ("steps", step.name, "after", index)
            if name == step.name:
                problems.add(path, f"step {name} cannot wait for itself", "drop it", code="cycle")
            elif name not in names:
                reason, hint = f"there is no step {name!r}", nearest(name, names)
                problems.add(path, reason, hint, code="unknown-step")
            elif name in waits:
                problems.add(path, f"step {name!r} is named twice", "drop one", code="twice")
            elif name in parents:
                reason = f"step {name!r} is a parent, and named under input.from"
                hint = "write start: on_complete, and drop it here"
                problems.add(path, reason, hint, code="twice")
            else:
                waits[name] = None
        found[step.name] = tuple(waits)
    return found


def check_runs(steps: Iterable[Step], problems: Problems) -> None:
    """Check that no two steps use the same run number of a campaign."""
    taken: list[RunRange] = []
    for mine in (found for step in steps if (found := run_range(step)) is not None):
        for other in taken:
            if mine.overlaps(other):
                problems.add(
                    ("steps", mine.owner, "run_numbers"),
                    f"run numbers {mine.first} to {mine.last} of {mine.campaign} overlap with "
                    f"{other.first} to {other.last} of step {other.owner}",
                    f"let them begin at {other.last + 1}",
                    code="run-numbers",
                )
                break  # the next ones would say the same
        taken.append(mine)


def run_range(step: Step) -> RunRange | None:
    """Return the run numbers of a step; None if it has none, or their number is unknown.

    Tasks that the grid or the step's policy may add have numbers, too.
    """
    numbers = step.run_numbers
    more = 0 if step.policy.extend is None else step.policy.extend.up_to
    planned = math.floor((step.tasks or 0) * (1 + more))
    most = max(planned, step.max_tasks or 0)
    if numbers is None or not most:
        return None
    last = numbers.first + numbers.per_task * most - 1
    return RunRange(step.name, numbers.campaign, numbers.first, last)


def _check_tasks(kind: TransformationType, context: StepContext) -> None:
    step = context.step
    if step.target_events is not None and step.events_per_task is None:
        reason = "it is not known how many tasks make so many events"
        hint = "add events_per_task: 1000"
        context.add(("target_events",), reason, hint, on_key=True, code=SHAPE)
    elif step.tasks is None:
        reason = f"type {kind.name} needs to know how many tasks to make"
        context.add((), reason, "add tasks: 10, or target_events", on_key=True, code=SHAPE)
    elif step.tasks >= MAX_INTEGER:
        reason = f"{step.tasks:,} tasks or more: that is more than DIRAC counts"
        hint = "let a task make more events"
        context.add(("target_events",), reason, hint, code="wrong-value")
    elif step.max_tasks is not None and step.max_tasks < step.tasks:
        reason = f"there are {step.tasks} tasks to begin with"
        context.add(("max_tasks",), reason, f"write {step.tasks} or more", code="wrong-value")
    range_ = run_range(step)
    if range_ is not None and range_.last > MAX_INTEGER:
        reason = f"the last run number would be {range_.last:,}"
        context.add(("run_numbers",), reason, f"stay below {MAX_INTEGER:,}", code="wrong-value")


def _refuse(hints: Mapping[str, str], reason: str, context: StepContext) -> None:
    for key, hint in hints.items():
        value = getattr(context.step, key)
        if value is not None and value != {}:
            context.add((key,), reason, hint, on_key=True, code=SHAPE)
