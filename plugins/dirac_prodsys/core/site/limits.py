"""Checks whether a plan keeps to the limits of its bundle: findings with their place.

Everything counts that reaches the grid: what a job type or a form derives as well as what is
written, and what an operation does rather than what its step is called. Placeholders and parameters
are filled in before, so a run with other values is checked again.

Files selected by metadata may lie anywhere: for them the task that starts the step asks the
catalogue. Here a removal is judged by its list, or by the directories of the steps whose files it
takes.

Invariant: pure; at most :data:`MOST_REPORTED` mistakes of a kind are reported.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence

from dirac_prodsys.core.grid.specs import CommunityBody, JobSpec, RequestSpec, TransformationSpec
from dirac_prodsys.core.plan.estimate import estimate
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.run.end import action_of
from dirac_prodsys.core.site.file import Limits
from dirac_prodsys.core.site.removals import removing, unbounded
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import DefinitionErrors

#: maximum number of reported mistakes of a kind, and of names in a hint
MOST_REPORTED, _LISTED = 20, 10


def check(production: Production, plan: ProductionPlan, limits: Limits) -> Iterator[Problem]:
    """Yield where a plan exceeds the limits.

    :param plan: the production's plan.
    """
    yield from _few(production, _words(plan, limits))
    yield from _few(production, _places(plan, limits))
    yield from _few(production, _removals(production, plan, limits))
    yield from _few(production, _tasks(production, plan, limits))
    if production.schedule is not None:
        from dirac_prodsys.core.site import schedules  # few have one

        yield from schedules.check(production.schedule, limits)


def demand(production: Production, plan: ProductionPlan, limits: Limits) -> None:
    """Demand that a plan keeps to the limits.

    :raises DefinitionErrors: it does not; every mistake is reported at its place.
    """
    found = [production.at_place(problem) for problem in check(production, plan, limits)]
    if found:
        raise DefinitionErrors(found)


def within(path: str, prefixes: Iterable[str]) -> bool:
    """Whether a path of the catalogue is one of the directories, or below one."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def own_directories(spec: TransformationSpec) -> tuple[str, ...]:
    """Return the directories of a transformation's files, each once."""
    body = spec.body
    found = [directory.path for directory in spec.directories]
    if isinstance(body, JobSpec):
        found += [output.directory for output in body.outputs]
    if isinstance(body, CommunityBody) and body.base_directory:
        # the path below it may follow from a dataset that is not read
        found.append(body.base_directory)
    return tuple(dict.fromkeys(found))


# -- words ----------------------------------------------------------------------------------------


def _words(plan: ProductionPlan, limits: Limits) -> Iterator[Problem]:
    here: Path = ("production",)
    yield from _word("connection", plan.connection, limits.connections, (*here, "connection"))
    yield from _word("VO", plan.vo, limits.vos, (*here, "vo"))
    for step in plan.steps:
        spec, path = step.transformation, ("steps", step.name)
        yield from _word("transformation type", spec.type, limits.types, (*path, "type"))
        if isinstance(spec.body, RequestSpec):
            for operation in spec.body.operations:
                allowed = limits.operations
                yield from _word("operation", operation.type, allowed, (*path, "job"))


def _word(what: str, word: str, allowed: Collection[str] | None, path: Path) -> Iterator[Problem]:
    if allowed is not None and word not in allowed:
        yield _problem(path, f"the site does not allow {what} {word!r} here", allowed)


# -- places ---------------------------------------------------------------------------------------


def _places(plan: ProductionPlan, limits: Limits) -> Iterator[Problem]:
    for step in plan.steps:
        path: Path = ("steps", step.name)
        for directory in own_directories(step.transformation):
            where = (*path, "output", "directory")
            yield from _place("files are made in", directory, limits.outputs, where)
        if step.dataset is not None:
            where = (*path, "dataset", "name")
            yield from _place("a dataset is made as", step.dataset.name, limits.datasets, where)
        for place, read in _read_by_name(step):
            yield from _place("the step reads", read, limits.reads, (*path, *place))
    for loop in plan.loops:
        for gate in loop.gates:
            where = ("loops", loop.name)
            yield from _place("the loop reads", gate.name, limits.reads, where)


def _read_by_name(step: StepPlan) -> Iterator[tuple[Path, str]]:
    """Yield what a step reads by name, and not by metadata."""
    for index, gate in enumerate(step.gates):
        if gate.kind != "production":
            yield ("wait_for", index), gate.name
    body = step.transformation.body
    if isinstance(body, JobSpec):
        for entry in body.sandbox:
            yield ("job",), entry.removeprefix("LFN:")
    if not removing(step.transformation):  # removals have a limit of their own
        for index, lfn in enumerate(step.transformation.files):
            yield ("input", "lfns", index), lfn


def _place(what: str, place: str, allowed: Collection[str] | None, path: Path) -> Iterator[Problem]:
    if allowed is not None and not within(place, allowed):
        yield _problem(path, f"{what} {place}, and the site does not allow that", allowed)


# -- removals -------------------------------------------------------------------------------------


def _removals(production: Production, plan: ProductionPlan, limits: Limits) -> Iterator[Problem]:
    steps = {step.name: step for step in plan.steps}
    for step in plan.steps:
        path: Path = ("steps", step.name)
        if operations := removing(step.transformation):
            what = f"step {step.name} removes files ({', '.join(operations)})"
            if not limits.unbounded_removals and unbounded(step):
                reason = f"{what} that no condition bounds, and the site does not allow that"
                hint = "say which files are meant: by a list, or by a field with a value"
                yield Problem((*path, "input"), reason, hint, code="not-allowed")
            yield from _removed(step, what, steps, limits.removals)
        if action_of(production, step.name) == "clean":
            own = production.step(step.name).on_cancel is not None
            where = (*path, "on_cancel") if own else ("production", "on_cancel")
            for directory in own_directories(step.transformation):
                what = f"on_cancel: clean of step {step.name} removes files in"
                yield from _place(what, directory, limits.removals, where)


def _removed(
    step: StepPlan, what: str, steps: dict[str, StepPlan], allowed: Collection[str] | None
) -> Iterator[Problem]:
    if allowed is None:
        return
    path: Path = ("steps", step.name, "job")
    if not allowed:
        yield _problem(path, f"{what}, and the site allows no removals here", ())
        return
    for index, lfn in enumerate(step.transformation.files):
        where: Path = ("steps", step.name, "input", "lfns", index)
        yield from _place(f"step {step.name} removes", lfn, allowed, where)
    for directory in _taken_from(step, steps):
        yield from _place(f"step {step.name} removes files in", directory, allowed, path)


def _taken_from(step: StepPlan, steps: dict[str, StepPlan]) -> tuple[str, ...]:
    """Return the directories of the steps whose files a step takes, also through relays."""
    found: dict[str, None] = {}
    left, seen = [*step.parents, *step.feeders], set[str]()
    while left:
        name = left.pop()
        if name in seen or name not in steps:
            continue
        seen.add(name)
        own = own_directories(steps[name].transformation)
        found |= dict.fromkeys(own)
        if not own:
            found |= dict.fromkeys(steps[name].transformation.files)
            left += [*steps[name].parents, *steps[name].feeders]
    return tuple(found)


# -- tasks ----------------------------------------------------------------------------------------


def tasks_asked(production: Production, plan: ProductionPlan) -> int:
    """Count the tasks that a run of a plan asks for: certain ones, and those it may add."""
    certain = estimate(Subject(production, plan))
    total = 0
    for step in plan.steps:
        spec = step.transformation
        if spec.tasks is None:
            total += certain[step.name].tasks.low if step.name in certain else 0
        else:
            more = math.ceil(spec.tasks * step.rules.extend)
            total += max(spec.tasks + more, spec.max_tasks)
    return total


def _tasks(production: Production, plan: ProductionPlan, limits: Limits) -> Iterator[Problem]:
    quotas = {
        "tasks_per_run": limits.tasks_per_run,
        "tasks_per_production": limits.tasks_per_production,
    }
    if not any(quotas.values()):
        return
    asked = tasks_asked(production, plan)
    for name, most in quotas.items():
        if most is not None and asked > most:
            yield Problem(
                ("steps",),
                f"a run asks for {asked:,} tasks, and the site allows {most:,} ({name})",
                "ask for fewer tasks, or whoever runs Airflow for a higher quota",
                on_key=True,
                code="not-allowed",
            )


# -- words of findings ----------------------------------------------------------------------------


def _problem(path: Path, reason: str, allowed: Collection[str]) -> Problem:
    if allowed:
        hint = f"allowed: {first_of(sorted(allowed), _LISTED)}"
    else:
        hint = "ask whoever runs Airflow, if it is needed"
    return Problem(path, reason, hint, code="not-allowed")


def _few(production: Production, problems: Iterator[Problem]) -> Iterator[Problem]:
    """Yield the first problems and the number of others; a mistake in many branches counts once."""
    shown: Sequence[Problem] = list(dict.fromkeys(problems))
    if len(shown) > MOST_REPORTED:
        once: dict[tuple[str, str], Problem] = {}
        for problem in shown:
            once.setdefault((production.at_place(problem).place, problem.reason), problem)
        shown = list(once.values())
    yield from shown[:MOST_REPORTED]
    if len(shown) > MOST_REPORTED:
        last = shown[MOST_REPORTED]
        more = len(shown) - MOST_REPORTED - 1
        reason = f"{last.reason}; and {more} more of the kind" if more else last.reason
        yield Problem(last.path, reason, last.hint, on_key=last.on_key, code="not-allowed")
