"""What comes before what between the steps of a production, as values that a DAG is built from.

::

    every create ──> created ──> every begin          nothing runs before all of it exists
    created ──> register ──> registered ──> every begin      in DIRAC's registry, or not
    registered ──> step.register                      the same for a step created under way
    asked ──> every create                            a production with an approval
    parent.create ──> child.create                    in the order of the graph
    parent.complete ──> child.wait                    only then can a child's input be final
    parent.complete ──> child.begin                   steps with ``start: on_complete``
    other.complete ──> step.begin                     steps that name others under ``after``
    parent.start ──> child.ready                      steps with ``start: {at: 10%}``

    a pass of a loop ──> its check; pass ──> the creates of the next one
    loop.done ──> begin, create, wait                 of a step outside that takes files of the loop
    loop.done ──> begin                               of one that names a step of it under ``after``

Invariant: pure; the same plan gives the same edges in the same order. What is inside a step or a
loop is not told here: those who make its tasks link them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from dirac_prodsys.core import loops
from dirac_prodsys.core.conduct import share
from dirac_prodsys.core.plan_values import LoopPlan, ProductionPlan, StepPlan
from dirac_prodsys.core.production import Production

Part = Literal[
    "asked", "created", "registered",
    "create", "register", "begin", "ready", "wait", "start", "complete", "all",
    "check", "pass", "done",
]  # fmt: skip


class Place(NamedTuple):
    """A task of a DAG, by what it does there.

    :param part: of the production: ``asked``, ``created``, ``registered``. Of a step: ``create``;
        ``register``, where it is created under way; ``begin``, the first of what leads to its
        ``start``; ``ready``, which looks at the work of the step ``of``; ``wait``, the first that
        needs the files of all parents; ``complete``; and ``all`` of its tasks. Of a loop: ``check``
        after the pass ``of``, ``pass`` before it, ``done``.
    :param whose: name of the step or the loop; empty: of the production.
    """

    part: Part
    whose: str = ""
    of: str | int = ""


class Edge(NamedTuple):
    """One task comes before another."""

    before: Place
    after: Place


def edges(production: Production, plan: ProductionPlan) -> Iterator[Edge]:
    """All edges between the steps, the loops and what stands before them.

    :param plan: of the production.
    """
    for loop in plan.loops:
        yield from _of_loop(loop)
    late = created_late(production, plan)
    for step in plan.steps:
        yield from _of_creation(step, asks=plan.approval is not None, late=step.name in late)
        yield Edge(Place("created"), Place("begin", step.name))
        if production.registry:
            yield Edge(Place("registered"), Place("begin", step.name))
        if production.registry and step.name in late:
            yield Edge(Place("created"), Place("register", step.name))
            yield Edge(Place("registered"), Place("register", step.name))
        yield from _of_outside(step, _outside(production, step))
        yield from _of_parents(production, step)


def looked_at(production: Production, step: StepPlan) -> tuple[str, ...]:
    """The steps whose work decides when a step with ``start: {at: 10%}`` starts."""
    return _near(production, step) if share(step.start) else ()


def _of_loop(loop: LoopPlan) -> Iterator[Edge]:
    for number, steps in enumerate(loop.passes, 1):
        for name in steps:
            yield Edge(Place("all", name), Place("check", loop.name, number))
            if number > 1:
                yield Edge(Place("pass", loop.name, number), Place("create", name))


def _of_creation(step: StepPlan, *, asks: bool, late: bool) -> Iterator[Edge]:
    if asks and not step.parents:
        yield Edge(Place("asked"), Place("create", step.name))
    if not late:
        yield Edge(Place("create", step.name), Place("created"))


def _of_outside(step: StepPlan, outside: Mapping[str, str]) -> Iterator[Edge]:
    """A step of a loop is there for others when its loop has ended."""
    for name, loop in outside.items():
        parts: tuple[Part, ...] = ("begin",) if name in step.after else ("begin", "create", "wait")
        for part in parts:
            yield Edge(Place("done", loop), Place(part, step.name))


def _of_parents(production: Production, step: StepPlan) -> Iterator[Edge]:
    own = step.name
    for name in _near(production, step):
        yield Edge(Place("create", name), Place("create", own))
        yield Edge(Place("complete", name), Place("wait", own))
        if step.start == "on_complete":
            yield Edge(Place("complete", name), Place("begin", own))
    for name in looked_at(production, step):
        yield Edge(Place("start", name), Place("ready", own, name))
    for name in step.after:
        if name not in _outside(production, step):
            yield Edge(Place("complete", name), Place("begin", own))


def _near(production: Production, step: StepPlan) -> tuple[str, ...]:
    """The steps whose files it takes, without those of loops that it is not in."""
    outside = _outside(production, step)
    return tuple(dict.fromkeys(n for n in (*step.parents, *step.feeders) if n not in outside))


def _outside(production: Production, step: StepPlan) -> Mapping[str, str]:
    """Steps that it waits for, and that are in loops that it is not in → their loop."""
    return loops.foreign(production, step.name, step.feeders) if production.loops else {}


def created_late(production: Production, plan: ProductionPlan) -> Collection[str]:
    """Steps that are created when the run is under way.

    Their own input, or that of a step before them, is a dataset that is waited for, or what a loop
    comes to; or they are a pass of a loop after the first.
    """
    late: set[str] = set()
    for step in plan.steps:
        turn = production.step(step.name).turn
        again = turn is not None and turn.number > 1
        taken = _outside(production, step).keys() - set(step.after)
        before = late.intersection((*step.parents, *step.feeders))
        if step.waits_for_input or again or taken or before:
            late.add(step.name)
    return late
