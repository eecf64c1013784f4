"""Checks whether what steps of one file wait for, and another file makes, can ever exist.

A step may wait for the dataset of a step of another production, for a dataset by name, and for a
file, or a number in it, below an output directory. Together with the waits inside each production
this is one graph over all files; steps of one cycle in it all wait for each other.

A schedule may name the dataset of a step of another production, too. Productions that begin each
other's runs would do so without end.

Invariant: linear in files and gates; what travels between processes is small; a gate that is
written once is reported once, whatever branches it has.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from dirac_prodsys.core.dialects import RUN, Reading
from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.plan import gate_cycles
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.production.schedule import AssetCondition
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.proof.findings import Finding
from dirac_prodsys.core.steps.gate_makers import Makers, knots
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import DefinitionError

#: maximum number of names among which the intended one is looked for
_GUESSED = 20
#: maximum number of names in a hint, and of reported steps of a circle
_SHOWN, _RING = 10, 6


@dataclass(frozen=True)
class Waiting:
    """A gate, and where it is written; its name has :data:`.dialects.RUN` in place of the run.

    :param step: the step that waits, or the check of a loop.
    """

    step: str
    gate: Gate
    place: DefinitionError


@dataclass(frozen=True)
class Waits:
    """What a file waits for, and what it makes.

    :param steps: step → whether it makes a dataset; None: not all of the file could be read.
    :param datasets: name of a dataset → the step that makes it.
    :param directories: output directory → the steps that write there.
    :param edges: step → the steps of its production that it waits for; empty in a file without
        gates.
    :param begun_by: datasets of steps of other productions, of which each begins a run.
    :param needs_several: whether a run needs several of them.
    """

    production: str
    steps: Mapping[str, bool] | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    directories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gates: tuple[Waiting, ...] = ()
    begun_by: tuple[Waiting, ...] = ()
    needs_several: bool = False


def waits(reading: Reading) -> Waits | None:
    """Return what a file waits for and makes; None: its production is unknown."""
    production, plan = reading.production, reading.plan
    if production is None:
        return None
    if plan is None:
        return Waits(production.name)
    directories: dict[str, list[str]] = {}
    for step in plan.steps:
        for directory in step.transformation.directories:
            directories.setdefault(directory.path.replace(plan.run, RUN), []).append(step.name)
    made = {s.dataset.name.replace(plan.run, RUN): s.name for s in plan.steps if s.dataset}
    gates = tuple(_gates(reading, plan))
    schedule = production.schedule
    assets = None if schedule is None else schedule.assets
    return Waits(
        production.name,
        {step.name: step.dataset is not None for step in plan.steps},
        made,
        {path: tuple(names) for path, names in directories.items()},
        _edges(production.steps, plan) if gates else {},
        gates,
        () if assets is None else tuple(_begun_by(reading, assets, ("schedule", "assets"))),
        assets is not None and assets.needs_several(),
    )


def _begun_by(reading: Reading, condition: AssetCondition, path: Path) -> Iterator[Waiting]:
    if condition.production is not None and condition.step is not None:
        gate = Gate("production", condition.production, step=condition.step)
        yield Waiting("", gate, reading.at_place(Problem((*path, "production"), "")))
    for key, entries in (("all", condition.all), ("any", condition.any)):
        for index, entry in enumerate(entries):
            yield from _begun_by(reading, entry, (*path, key, index))


def _gates(reading: Reading, plan: ProductionPlan) -> Iterator[Waiting]:
    for who, gate, path in gate_cycles.gates_of({s.name: s for s in plan.steps}, plan.loops):
        named = replace(gate, name=gate.name.replace(plan.run, RUN))
        yield Waiting(who, named, reading.at_place(Problem(path, "")))


def _edges(steps: Iterable[Step], plan: ProductionPlan) -> dict[str, tuple[str, ...]]:
    fed = {step.name: step.feeders for step in plan.steps}
    waited = {s.name: (*s.parents, *s.after, *fed.get(s.name, ())) for s in steps}
    edges = gate_cycles.edges_of(waited, plan.loops)
    makers = gate_cycles.makers_of({step.name: step for step in plan.steps})
    for step in plan.steps:
        for gate in step.gates:
            made = makers.of(gate)
            edges[step.name] += made if len(made) == 1 else ()
    return {name: tuple(dict.fromkeys(named)) for name, named in edges.items()}


def check(files: Iterable[Waits], *, all_files: bool) -> Iterator[Finding]:
    """Yield gates that nothing in these files can open.

    :param all_files: whether these are all files; then missing productions are reported.
    """
    yield from _Folder(files, all_files).findings()


class _Folder:
    def __init__(self, files: Iterable[Waits], all_files: bool) -> None:
        self._files: dict[str, Waits] = {}
        for one in files:  # the first of one name keeps it; reported elsewhere
            self._files.setdefault(one.production, one)
        self._all_files = all_files
        datasets: dict[str, str] = {}
        directories: dict[str, list[str]] = {}
        for file in self._files.values():
            for name, step in file.datasets.items():
                datasets.setdefault(name, _node(file, step))
            for path, steps in file.directories.items():
                directories.setdefault(path, []).extend(_node(file, step) for step in steps)
        self._makers = Makers(datasets, directories)
        self._guesses: dict[str, str] = {}

    def findings(self) -> Iterator[Finding]:
        reported: set[tuple[str, str, int | None, int | None]] = set()
        found = (*self._unknown(), *self._circles(), *self._endless())
        for place, reason, hint, code in found:
            where = code, place.file, place.line, place.column
            if where not in reported:
                reported.add(where)
                yield Finding.of(place.another(reason, hint, code))

    def _unknown(self) -> Iterator[tuple[DefinitionError, str, str, str]]:
        waiting = ((*file.gates, *file.begun_by) for file in self._files.values())
        for one in chain.from_iterable(waiting):
            gate = one.gate
            if gate.kind != "production":
                continue
            other = self._files.get(gate.name)
            if other is None:
                if self._all_files:
                    reason = f"production {gate.name!r} is in none of the files that were checked"
                    hint = f"{self._nearest(gate.name, self._files)}; or is it elsewhere?"
                    yield one.place, reason, hint, "unknown-production"
            elif other.steps is None:
                continue
            elif gate.step not in other.steps:
                reason = f"production {gate.name} has no step {gate.step!r}"
                yield one.place, reason, self._nearest(gate.step, other.steps), "unknown-step"
            elif not other.steps[gate.step]:
                having = [step for step, makes in other.steps.items() if makes]
                some = ", ".join(having[:_SHOWN]) or "none does"
                yield (
                    one.place,
                    f"step {gate.step} of production {gate.name} makes no dataset to wait for",
                    f"give it a dataset, or wait for a step that makes one: {some}",
                    "gate-without-dataset",
                )

    def _circles(self) -> Iterator[tuple[DefinitionError, str, str, str]]:
        edges: dict[str, list[str]] = {}
        across: list[tuple[str, Waiting, Sequence[str]]] = []
        for file in self._files.values():
            for step, named in file.edges.items():
                edges[_node(file, step)] = [_node(file, name) for name in named]
            for one in file.gates:
                made = self._opened_by(one.gate)
                if made and not any(name.startswith(_node(file, "")) for name in made):
                    across.append((_node(file, one.step), one, made))
        for waiting, _, makers in across:
            if len(makers) == 1:
                edges.setdefault(waiting, []).extend(makers)
        if not across:
            return
        knot = knots(edges)
        for waiting, one, makers in across:
            if all(knot.get(name) == knot[waiting] for name in makers):
                ring = _ring(makers[0], waiting, edges, knot)
                way = ", which waits for ".join(ring[:_RING])
                more = f" and, {len(ring) - _RING} steps later," if len(ring) > _RING else ""
                yield (
                    one.place,
                    f"{one.gate.text} is made by {way}{more}, which waits for this step",
                    "let one of them not wait: none can be the first",
                    "cycle",
                )

    def _endless(self) -> Iterator[tuple[DefinitionError, str, str, str]]:
        """Yield schedules of productions that begin each other's runs, by one dataset alone."""
        edges = {
            name: [one.gate.name for one in file.begun_by if one.gate.name in self._files]
            for name, file in self._files.items()
            if not file.needs_several
        }
        if not any(edges.values()):
            return
        knot = knots(edges)
        for name, named in edges.items():
            for one in self._files[name].begun_by:
                other = one.gate.name
                if other in named and other != name and knot.get(other) == knot.get(name):
                    reason = f"runs of {name} and runs of {other} begin each other, without end"
                    yield (
                        one.place,
                        reason,
                        "let one of them have no schedule, or wait for another dataset as well",
                        "cycle",
                    )

    def _opened_by(self, gate: Gate) -> tuple[str, ...]:
        if gate.kind != "production":
            return self._makers.of(gate)
        other = self._files.get(gate.name)
        makes = other is not None and other.steps is not None and other.steps.get(gate.step)
        return (f"{gate.name}/{gate.step}",) if makes else ()

    def _nearest(self, word: str, known: Iterable[str]) -> str:
        """Return the likely intended name; limited in number, because it is slow."""
        if word not in self._guesses:
            names = sorted(known)
            close: list[str] = []
            if len(self._guesses) < _GUESSED:
                close = difflib.get_close_matches(word, names, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            self._guesses[word] = f"{meant}known here: {first_of(names, _SHOWN)}"
        return self._guesses[word]


def _node(file: Waits, step: str) -> str:
    return f"{file.production}/{step}"


def _ring(
    start: str, end: str, edges: Mapping[str, Sequence[str]], knot: Mapping[str, int]
) -> list[str]:
    """Return the shortest way from one step to another that it waits for, without the last."""
    before: dict[str, str] = {start: ""}
    left = deque([start])
    while left and end not in before:
        name = left.popleft()
        for other in edges.get(name, ()):
            if other not in before and knot.get(other) == knot[start]:
                before[other] = name
                left.append(other)
    ring = [before[end]] if end != start else []
    while ring and before[ring[-1]]:
        ring.append(before[ring[-1]])
    return ring[::-1] or [start]
