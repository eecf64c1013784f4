"""Repeats steps until a condition holds, up to a maximum number of passes: ``loops:``.

A loop is written out before it is planned: pass 1 of step ``train`` is the step ``train.1``, pass 2
``train.2``, and so on to the maximum. All of them are in the plan and in the DAG; those after the
first are created and run only while the condition does not hold.

A step outside the loop that takes files of a step in it takes those of its last pass. The last pass
is known when the loop has ended: until then the step is planned with the last possible pass, which
differs only in values with ``${{ pass }}``, and afterwards with the right one.

Invariant: pure; the passes of a step never share a directory or metadata: each is a generation with
names of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.plan.values import LoopPlan
from dirac_prodsys.core.problems import Path, Problems, nearest
from dirac_prodsys.core.production.loops import MAX_STEPS, LoopModel, Turn
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.steps.context import run_values
from dirac_prodsys.core.steps.placeholders import fill

_PASS = re.compile(r"\$\{\{\s*pass\s*\}\}")
_HOUR = 3600.0


def name_of(step: str, number: int) -> str:
    """Return the name of the step that is this pass of a step of a loop."""
    return f"{step}.{number}"


def unroll(
    steps: Sequence[Step], loops: Mapping[str, LoopModel], problems: Problems
) -> tuple[Step, ...]:
    """Return the steps, with all passes of those in loops; mistakes are noted.

    A wrong loop gets one pass, so that its steps are checked.
    """
    if not loops:
        return tuple(steps)
    known = {step.name: step for step in steps}
    whose: dict[str, str] = {}
    times: dict[str, int] = {}
    for name, loop in loops.items():
        before = len(problems.found)
        _check(name, loop, known, whose, problems)
        times[name] = loop.at_most if len(problems.found) == before else 1
    total = len(steps) + sum(len(loop.steps) * (times[name] - 1) for name, loop in loops.items())
    if total > MAX_STEPS:
        reason = f"with all passes there are {total:,} steps, more than {MAX_STEPS:,}"
        problems.add(("loops",), reason, "lower at_most", on_key=True)
        times = dict.fromkeys(times, 1)
    found: list[Step] = []
    for step in steps:
        if step.name not in whose:
            found.append(_referring(step, None, 0, whose, times))
    for name, loop in loops.items():
        for number in range(1, times[name] + 1):
            for written in dict.fromkeys(loop.steps):
                if whose.get(written) == name:
                    found.append(_referring(known[written], name, number, whose, times))
    return tuple(found)


def with_last_passes(production: Production, last: Mapping[str, int]) -> Production:
    """Return the production after loops have ended: steps take files of the right pass.

    :param last: name of a loop → its last pass.
    """
    names = {step.name: step.turn for step in production.steps if step.turn is not None}

    def right(own: Turn | None, parent: str) -> str:
        turn = names.get(parent)
        if turn is None or turn.loop not in last or (own is not None and own.loop == turn.loop):
            return parent
        return name_of(parent.rpartition(".")[0], last[turn.loop])

    steps = []
    for step in production.steps:
        if step.input is not None and step.input.steps:
            parents = tuple(right(step.turn, parent) for parent in step.input.steps)
            step = step.model_copy(
                update={"input": step.input.model_copy(update={"steps": parents})}
            )
        steps.append(step)
    return production.model_copy(update={"steps": tuple(steps)})


def deciding_loops(production: Production, step: str) -> tuple[str, ...]:
    """Return the loops whose last pass decides a step's input, directly or by earlier steps."""
    steps = {each.name: each for each in production.steps}
    found: set[str] = set()
    left, seen = [step], {step}
    while left:
        own = steps[left.pop()]
        for name in own.parents:
            parent = steps.get(name)
            if parent is None:
                continue
            if parent.turn is not None and not _same(own, parent):
                found.add(parent.turn.loop)
            if name not in seen:
                seen.add(name)
                left.append(name)
    return tuple(sorted(found))


def foreign_steps(production: Production, step: str, feeders: Iterable[str] = ()) -> dict[str, str]:
    """Map the steps of loops that a step outside waits for to their loop.

    :param feeders: steps whose files it takes although it does not name them.
    """
    steps = {each.name: each for each in production.steps}
    own = steps[step]
    return {
        name: steps[name].turn.loop  # type: ignore[union-attr]
        for name in (*own.parents, *own.after, *feeders)
        if name in steps and steps[name].turn is not None and not _same(own, steps[name])
    }


def plan_loops(production: Production, run: str, problems: Problems) -> tuple[LoopPlan, ...]:
    """Return the loops of a plan; mistakes are noted."""
    found = []
    for name, loop in production.loops.items():
        path: Path = ("loops", name, "until", "file")
        turns: dict[int, list[str]] = {}
        for step in production.steps:
            if step.turn is not None and step.turn.loop == name:
                turns.setdefault(step.turn.number, []).append(step.name)
        gates = []
        for number in sorted(turns):
            values = run_values(production, run) | {"pass": str(number)}
            lfn = str(fill(loop.until.file, values, path, problems))
            with problems.at(*path):
                naming.check_lfn(lfn, production.vo)
            gates.append(Gate("value", lfn, when=loop.until.when, within=loop.within * _HOUR))
        passes = tuple(tuple(turns[number]) for number in sorted(turns))
        found.append(LoopPlan(name, tuple(gates), passes, loop.otherwise))
    return tuple(found)


def _same(one: Step, other: Step) -> bool:
    return one.turn is not None and other.turn is not None and one.turn.loop == other.turn.loop


def _referring(
    step: Step, loop: str | None, number: int, whose: Mapping[str, str], times: Mapping[str, int]
) -> Step:
    """Return the step, or one pass of it, with the names of steps of loops written out."""

    def one(name: str) -> str:
        if name not in whose:
            return name
        return name_of(name, number if whose[name] == loop else times[whose[name]])

    changes: dict[str, Any] = {"after": tuple(one(name) for name in step.after)}
    if step.input is not None:
        parents = tuple(one(name) for name in step.input.steps)
        changes["input"] = step.input.model_copy(update={"steps": parents})
    if loop is not None:
        changes |= {"name": name_of(step.name, number), "turn": Turn(loop=loop, number=number)}
    return step.model_copy(update=changes)


def _check(
    name: str,
    loop: LoopModel,
    known: Mapping[str, Step],
    whose: dict[str, str],
    problems: Problems,
) -> None:
    path: Path = ("loops", name)
    with problems.at(*path, on_key=True):
        naming.check_name(name, "loop")
    if name in known:
        problems.add(path, f"{name} is the name of a step, too", "rename one", on_key=True)
    for index, written in enumerate(loop.steps):
        where = (*path, "steps", index)
        if written not in known:
            hint = nearest(written, known)
            problems.add(where, f"there is no step {written!r}", hint, code="unknown-step")
        elif written in whose:
            reason = f"step {written!r} is named twice, or is in loop {whose[written]}"
            problems.add(where, reason, "a step is in one loop, once")
        else:
            whose[written] = name
            for number in range(1, loop.at_most + 1):
                if (taken := name_of(written, number)) in known:
                    reason = f"pass {number} of step {written} would be named as step {taken}"
                    problems.add(where, reason, "rename that step")
            for problem in _shared(known[written]):
                problems.add(*problem, code="loop")
    if not _PASS.search(loop.until.file):
        reason = "every pass would be judged by the same file"
        problems.add((*path, "until", "file"), reason, "put ${{ pass }} into its name", code="loop")


def _shared(step: Step) -> Iterator[tuple[Path, str, str]]:
    """Yield what the passes of a step would share."""
    path: Path = ("steps", step.name)
    if step.output is not None and not _PASS.search(step.output.directory):
        reason = "every pass would write into the same directory"
        yield (*path, "output", "directory"), reason, "put ${{ pass }} into it"
    if step.output is not None and not any(
        isinstance(value, str) and _PASS.search(value) for value in step.output.metadata.values()
    ):
        reason = "files of all passes would have the same metadata"
        yield (*path, "output", "metadata"), reason, 'add a field such as pass: "${{ pass }}"'
    if step.dataset is not None and not _PASS.search(step.dataset.name):
        reason = "every pass would make the same dataset"
        yield (*path, "dataset", "name"), reason, "put ${{ pass }} into it"
