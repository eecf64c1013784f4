"""Finds gates that only a step behind them could open: they would wait for ever.

A pass of a loop waits for the check of the pass before it, and that check waits for the pass and
for the file with its number; a step outside the loop that takes its files waits for its last check.

Invariant: only certain cases are reported: if several steps may make a file, all of them must wait
for the step that waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.plan.values import LoopPlan
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.steps.gate_makers import Makers, knots
from dirac_prodsys.core.steps.step_plan import StepPlan


def check(
    plans: Mapping[str, StepPlan],
    waits: Mapping[str, Sequence[str]],
    loops: Iterable[LoopPlan],
    problems: Problems,
) -> None:
    """Note gates that nothing can open.

    :param plans: step name → plan, for the steps that could be planned.
    :param waits: step → the steps that must be complete before it can be.
    """
    loops = tuple(loops)
    gates = gates_of(plans, loops)
    if not gates:
        return
    makers = makers_of(plans)
    edges = edges_of(waits, loops)
    linked = {who: tuple(named) for who, named in edges.items()}
    made = [(who, gate, path, makers.of(gate)) for who, gate, path in gates]
    for who, _, _, steps in made:
        if len(steps) == 1:
            edges.setdefault(who, []).extend(steps)
    for who in edges:
        edges[who] = [name for name in edges[who] if name in edges]
    knot = knots(edges)
    for who, gate, path, steps in made:
        if steps and all(knot.get(step) == knot.get(who, -1) for step in steps):
            maker = steps[0]
            if maker != who and maker in _reached(who, linked):
                continue  # it waits for that step in any case: the circle is another gate's
            waiting = f"step {who}" if who in plans else "this loop to go on"
            behind = f"step {maker}, which waits for {waiting}"
            problems.add(
                path,
                f"{gate.text} is made by {'this step itself' if maker == who else behind}",
                "a step cannot wait for what comes after it",
                code="cycle",
            )


def makers_of(plans: Mapping[str, StepPlan]) -> Makers:
    """Return the makers of the datasets and files of a production."""
    datasets = {p.dataset.name: name for name, p in plans.items() if p.dataset is not None}
    directories: dict[str, list[str]] = {}
    for name, plan in plans.items():
        for directory in plan.transformation.directories:
            directories.setdefault(directory.path, []).append(name)
    return Makers(datasets, directories)


def edges_of(waits: Mapping[str, Sequence[str]], loops: Iterable[LoopPlan]) -> dict[str, list[str]]:
    """Map each step, and each check of a loop, to those that it waits for."""
    edges = {step: list(named) for step, named in waits.items()}
    for loop in loops:
        inside = {step for steps in loop.passes for step in steps}
        last = _check_of(loop, len(loop.passes))
        for step, named in waits.items():
            if step not in inside and not inside.isdisjoint(named):
                edges[step].append(last)
        for number, steps in enumerate(loop.passes, 1):
            edges[_check_of(loop, number)] = list(steps)
            for step in steps if number > 1 else ():
                edges.setdefault(step, []).append(_check_of(loop, number - 1))
    return edges


def _reached(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        step = left.pop()
        if step not in found:
            found.add(step)
            left += edges.get(step, ())
    return found


def _check_of(loop: LoopPlan, number: int) -> str:
    return f"check {number} of {loop.name}"  # no name of a step holds a blank


def gates_of(
    plans: Mapping[str, StepPlan], loops: Iterable[LoopPlan]
) -> list[tuple[str, Gate, Path]]:
    """Return who waits, for what, and where that is written."""
    found: list[tuple[str, Gate, Path]] = [
        (name, gate, ("steps", name, "wait_for", index))
        for name, plan in plans.items()
        for index, gate in enumerate(plan.gates)
    ]
    for loop in loops:
        path: Path = ("loops", loop.name, "until", "file")
        found += [(_check_of(loop, n), gate, path) for n, gate in enumerate(loop.gates, 1)]
    return found
