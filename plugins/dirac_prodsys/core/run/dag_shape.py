"""Lays out the DAG of a production: its groups, its tasks, and their order.

::

    prepare ──> the steps, as the production links them ──> finish

    prepare   begin ─> [approve ─>] create.STEP… ─> [register ─>] verify
    a step    [ready_PARENT… ─>] [wait_for ─>] [create ─> [register ─>]] [approve ─>] start
              ─> [wait_for_input ─>] [flush ─>] wait_for_completion ─> complete [─> create_dataset]
    a loop    pass_1 ─> pass_2 ─> … ─> done; a pass: [begin ─>] its steps ─> check
    finish    on_cancel ─> report

    parent.start ──> child                  as files come: the child starts with its parent,
    parent.complete ──> child.flush         and is flushed only when no more files can come
    parent.complete ──> child               ``start: on_complete``, and ``after``
    parent.start ──> child.ready_PARENT     ``start: {at: 10%}``
    loop.done ──> step                      for a step that takes files of the loop, or names it

``wait_for_input`` begins with its step, while the parents are still at work.

A step that can only be created when the run is under way (what it takes is a dataset that is waited
for, or what a loop comes to) creates itself; all others are created, and verified together, before
anything starts.

Invariant: pure; the same plan gives the same shape. Seen as groups, it has no cycle, so that
Airflow's grid and graph can be drawn; an edge between two steps is one of the production; no edge
is there that others imply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from operator import or_
from typing import Literal, NamedTuple

from dirac_prodsys.core import naming
from dirac_prodsys.core.plan import loops
from dirac_prodsys.core.plan.values import LoopPlan, ProductionPlan
from dirac_prodsys.core.production.policy import start_fraction
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.run.edge_labels import labels
from dirac_prodsys.core.steps.gate_makers import knots
from dirac_prodsys.core.steps.graph import StepGraph
from dirac_prodsys.core.steps.step_plan import StepPlan

#: version of the shape of DAGs now; a DAG with another shape is not built from the stored plans of
#: its runs
VERSION = 2

Part = Literal[
    "begin", "approve", "create", "register", "verify",
    "ready", "wait_for", "start", "wait_for_input", "flush", "wait_for_completion", "complete",
    "create_dataset",
    "check", "done",
    "on_cancel", "report",
]  # fmt: skip


class TaskPlace(NamedTuple):
    """A task of a DAG, by what it does.

    :param part: its name within its group.
    :param whose: name of the step or the loop; empty: of the production.
    :param of: for ``ready``: the step whose work is looked at; for ``begin`` and ``check`` of a
        loop: the number of the pass.
    """

    part: Part
    whose: str = ""
    of: str | int = ""


class Edge(NamedTuple):
    """One task that comes before another.

    :param label: its meaning, for people; empty: the order only.
    """

    before: TaskPlace
    after: TaskPlace
    label: str = ""


@dataclass(frozen=True)
class Group:
    """Tasks that are drawn as one box.

    :param id: ID in Airflow; unique in the DAG.
    :param within: ID of the group that holds it; empty: the DAG itself.
    :param title: the title for people.
    :param prefixes: whether the IDs of its members begin with its own ID.
    """

    id: str
    within: str
    title: str
    about: str = ""
    prefixes: bool = True


@dataclass(frozen=True)
class Shape:
    """A DAG before it is built.

    :param groups: each after the group that holds it, in the order of the file.
    :param tasks: task → ID of its group, in the order of the file.
    :param ids: task → its ID in Airflow.
    :param late: steps that are created when the run is under way.
    :param streams: step → the parents whose files it takes as they come.
    """

    groups: tuple[Group, ...]
    tasks: Mapping[TaskPlace, str]
    ids: Mapping[TaskPlace, str]
    edges: tuple[Edge, ...]
    late: Collection[str]
    streams: Mapping[str, tuple[str, ...]]

    @cached_property
    def order(self) -> Mapping[str, int]:
        """Number the groups and tasks by ID: each after what comes before it, else as in the file.

        The members of each group are numbered as if the group were drawn alone.
        """
        return _numbered(self)


def shape(production: Production, plan: ProductionPlan) -> Shape:
    """Return the shape of a production's DAG.

    :param plan: the production's plan.
    """
    return _Drawing(production, plan).drawn()


def watched_parents(production: Production, step: StepPlan) -> tuple[str, ...]:
    """Return the steps whose progress decides when a step with ``start: {at: 10%}`` starts."""
    return _near(production, step) if start_fraction(step.start) else ()


def created_late(production: Production, plan: ProductionPlan) -> Collection[str]:
    """Return the steps that are created when the run is under way.

    Their own input, or that of a step before them, is a dataset that they wait for or a result of a
    loop; or they belong to a later pass of a loop than the first.
    """
    late = _again(production)
    for step in plan.steps:
        taken = _outside(production, step).keys() - set(step.after)
        before = late.intersection((*step.parents, *step.feeders))
        if step.waits_for_input or taken or before:
            late.add(step.name)
    return late


def _again(production: Production) -> set[str]:
    """Return the steps of later passes than the first."""
    turns = ((step.name, step.turn) for step in production.steps)
    return {name for name, turn in turns if turn is not None and turn.number > 1}


class _Drawing:
    """Builds a shape."""

    def __init__(self, production: Production, plan: ProductionPlan) -> None:
        self.production, self.plan = production, plan
        self.groups: dict[str, Group] = {}
        self.tasks: dict[TaskPlace, str] = {}
        self.ids: dict[TaskPlace, str] = {}
        #: (task before, task after) → label
        self.edges: dict[tuple[TaskPlace, TaskPlace], str] = {}

        self.steps = {step.name: step for step in plan.steps}
        #: the steps in the order of the file
        self.order = [step.name for step in production.steps if step.name in self.steps]
        self.late = created_late(production, plan)
        self.again = _again(production)
        self.near = {name: _near(production, step) for name, step in self.steps.items()}
        self.streams = {
            name: () if step.start == "on_complete" else self.near[name]
            for name, step in self.steps.items()
        }
        #: step → the parents that must have done a share of their work first
        self.watched = {
            name: watched_parents(production, step) for name, step in self.steps.items()
        }
        #: step → its tasks in order, except those that look at a parent
        self.parts = {name: tuple(self._parts(step)) for name, step in self.steps.items()}
        self.labels = labels(production, plan)

        names = {naming.group_id(step.name) for step in plan.steps}
        names |= {naming.group_id(loop.name) for loop in plan.loops}
        #: step as written → the ID of the group of its branches
        self.boxes: dict[str, str] = {}
        for name in self.steps:
            written = production.as_written(name)
            if written != name and written not in self.boxes:
                self.boxes[written] = _free(naming.group_id(written), names)
                names.add(self.boxes[written])
        self.prepare, self.finish = (_free(name, names) for name in ("prepare", "finish"))

    def drawn(self) -> Shape:
        self._prepare()
        homes = self._homes()
        for name in self.order:
            self._step(self.steps[name], homes.get(name, ""))
        for loop in self.plan.loops:
            self._loop(loop)
        for step in self.plan.steps:
            self._links(step)
        self._finish()
        edges = tuple(Edge(*pair, label) for pair, label in self._reduced().items())
        groups = tuple(self.groups.values())
        return Shape(groups, self.tasks, self.ids, edges, self.late, self.streams)

    # -- boxes ------------------------------------------------------------------------------------

    def _group(
        self, own: str, within: str, title: str, about: str = "", *, prefixes: bool = True
    ) -> str:
        self.groups.setdefault(own, Group(own, within, title, about, prefixes))
        return own

    def _task(self, place: TaskPlace, group: str, name: str = "") -> TaskPlace:
        self.tasks[place] = group
        self.ids[place] = f"{group}.{name or place.part}"
        return place

    def _before(self, before: TaskPlace, after: TaskPlace, label: str = "") -> None:
        self.edges.setdefault((before, after), label)

    def _chain(self, places: list[TaskPlace]) -> None:
        for before, after in pairwise(places):
            self._before(before, after)

    def _homes(self) -> dict[str, str]:
        """Map each step to the group that holds its own: its pass of a loop, or its branches."""
        homes: dict[str, str] = {}
        for loop in self.plan.loops:
            outer = naming.group_id(loop.name)
            self._group(outer, "", loop.name, f"until {loop.gates[0].when}")
            for number, steps in enumerate(loop.passes, 1):
                one = self._group(f"{outer}.pass_{number}", outer, f"pass {number}", prefixes=False)
                homes |= dict.fromkeys(steps, one)
        branches: dict[str, list[str]] = {}
        for name in self.order:
            written = self.production.as_written(name)
            if name not in homes and written != name:
                branches.setdefault(written, []).append(name)
        for written, own in self._apart(branches).items():
            homes |= dict.fromkeys(own, self.boxes[written])
        return homes

    def _apart(self, branches: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
        """Return the steps as written whose branches can be drawn as one box.

        This is impossible for two steps if some branches of the one come before and some after the
        other.
        """
        box = {name: written for written, own in branches.items() for name in own}
        above: dict[str, set[str]] = {}
        for step in self.plan.steps:
            near = (*step.parents, *step.feeders, *step.after)
            boxed = above.setdefault(box.get(step.name, step.name), set())
            boxed.update(box.get(name, name) for name in near)
        knot_of = knots(above)
        size = Counter(knot_of.values())
        return {
            written: own
            for written, own in branches.items()
            if size[knot_of[written]] == 1 and written not in above[written]
        }

    # -- the parts --------------------------------------------------------------------------------

    def _prepare(self) -> None:
        group = self._group(self.prepare, "", "prepare", "approve, create, register, verify")
        create = f"{group}.create"
        last = [self._task(TaskPlace("begin"), group)]
        if self.plan.approval is not None:
            last.append(self._task(TaskPlace("approve"), group))
        self._chain(last)
        early = [step for step in self.plan.steps if step.name not in self.late]
        made: list[TaskPlace] = []
        if early:
            self._group(create, group, "create", "one transformation for each step")
        for step in early:
            own = self._task(TaskPlace("create", step.name), create, naming.group_id(step.name))
            made.append(own)
            above = [name for name in self.near[step.name] if name not in self.late]
            for name in above:
                self._before(TaskPlace("create", name), own)
            if not above:
                self._before(last[-1], own)
        followed = {before for before, _ in self.edges}
        ends = [place for place in made if place not in followed] or [last[-1]]
        if self.production.registry:
            register = self._task(TaskPlace("register"), group)
            for end in ends:
                self._before(end, register)
            ends = [register]
        verify = self._task(TaskPlace("verify"), group)
        for end in ends:
            self._before(end, verify)

    def _step(self, step: StepPlan, within: str) -> None:
        name = step.name
        if within and within not in self.groups:
            title = self.production.as_written(name)
            self._group(within, "", title, "one group for each branch", prefixes=False)
        declared = self.production.step(name)
        about = declared.description or f"{step.transformation.type}"
        group = self._group(naming.group_id(name), within, name, about)
        ready = [
            self._task(TaskPlace("ready", name, parent), group, f"ready_{naming.group_id(parent)}")
            for parent in self.watched[name]
        ]
        chain = [self._task(TaskPlace(part, name), group) for part in self.parts[name]]
        for each in ready:
            self._before(each, chain[0])
        self._chain(chain)

    def _parts(self, step: StepPlan) -> Iterator[Part]:
        if step.gates:
            yield "wait_for"
        if step.name in self.late:
            yield "create"
            if self.production.registry:
                yield "register"
        if step.approval is not None:
            yield "approve"
        yield "start"
        flushed = step.rules.needs_input and step.rules.flush == "auto"
        if flushed or self.streams[step.name]:
            yield "wait_for_input"
        if flushed:
            yield "flush"
        yield "wait_for_completion"
        yield "complete"
        if step.dataset is not None:
            yield "create_dataset"

    def _loop(self, loop: LoopPlan) -> None:
        outer = naming.group_id(loop.name)
        check: TaskPlace | None = None
        for number, steps in enumerate(loop.passes, 1):
            group = f"{outer}.pass_{number}"
            begin: TaskPlace | None = None
            if check is not None:
                begin = self._task(TaskPlace("begin", loop.name, number), group)
                self._before(check, begin)
            check = self._task(TaskPlace("check", loop.name, number), group)
            for name in steps:
                if begin is not None:
                    for entry in self._entries(name):
                        self._before(begin, entry)
                self._before(self._last(name), check)
        done = self._task(TaskPlace("done", loop.name), outer)
        if check is not None:
            self._before(check, done)

    def _links(self, step: StepPlan) -> None:
        """Add the edges from tasks outside a step's own group."""
        own, entries = step.name, self._entries(step.name)
        outside = _outside(self.production, step)
        first: dict[TaskPlace, str] = {TaskPlace("done", loop): "" for loop in outside.values()}
        label = self.labels[own]
        for name in self.near[own]:
            if name not in self.streams[own]:
                first[TaskPlace("complete", name)] = label
                continue
            if start_fraction(step.start):
                self._before(TaskPlace("start", name), TaskPlace("ready", own, name))
            else:
                first[TaskPlace("start", name)] = ""
            streaming = f"{label} {_STREAMING}".strip()
            self._before(TaskPlace("complete", name), self._after_input(own), streaming)
        first |= {TaskPlace("complete", name): _AFTER for name in step.after if name not in outside}
        if step.name not in self.again:
            first[TaskPlace("verify")] = ""
        for before, words in first.items():
            for entry in entries:
                self._before(before, entry, words)

    def _finish(self) -> None:
        group = self._group(self.finish, "", "finish", "stop or clean what is left, then report")
        followed = {before for before, _ in self.edges}
        ends = [place for place in self.tasks if place not in followed]
        cancel = self._task(TaskPlace("on_cancel"), group)
        report = self._task(TaskPlace("report"), group)
        for end in ends:
            self._before(end, cancel)
        self._before(cancel, report)

    def _reduced(self) -> dict[tuple[TaskPlace, TaskPlace], str]:
        """Return the edges without those that others imply."""
        above: dict[TaskPlace, list[TaskPlace]] = {place: [] for place in self.tasks}
        for before, after in self.edges:
            above[after].append(before)
        bits = {place: 1 << number for number, place in enumerate(self.tasks)}
        #: place → itself and all places before it, as bits
        known: dict[TaskPlace, int] = {}
        at = {own: place for place, own in self.ids.items()}
        graph = {self.ids[place]: [self.ids[b] for b in near] for place, near in above.items()}
        for place in map(at.__getitem__, StepGraph(graph).order):
            known[place] = bits[place]
            for before in above[place]:
                known[place] |= known[before]
        kept = dict(self.edges)
        for place, near in above.items():
            if len(near) < 2:
                continue
            behind = [known[before] for before in near]
            earlier = [0, *accumulate(behind, or_)]
            later = [0, *accumulate(reversed(behind), or_)][::-1]
            for number, before in enumerate(near):
                if (earlier[number] | later[number + 1]) & bits[before]:
                    del kept[before, place]
        return kept

    # -- tasks of a step --------------------------------------------------------------------------

    def _entries(self, name: str) -> list[TaskPlace]:
        """Return the first tasks of a step: no other task of the step comes before them."""
        ready = [TaskPlace("ready", name, parent) for parent in self.watched[name]]
        return ready or [TaskPlace(self.parts[name][0], name)]

    def _after_input(self, name: str) -> TaskPlace:
        """Return the task of a step that must wait until no more files can come."""
        parts = self.parts[name]
        return TaskPlace(parts[parts.index("wait_for_input") + 1], name)

    def _last(self, name: str) -> TaskPlace:
        return TaskPlace(self.parts[name][-1], name)


#: labels of edges: files are taken as they come; a step that the other names under ``after``
_STREAMING, _AFTER = "(streaming)", "after"


def _near(production: Production, step: StepPlan) -> tuple[str, ...]:
    """Return the steps whose files a step takes, without those of loops that it is not in."""
    outside = _outside(production, step)
    return tuple(dict.fromkeys(n for n in (*step.parents, *step.feeders) if n not in outside))


def _outside(production: Production, step: StepPlan) -> Mapping[str, str]:
    """Map the steps that a step waits for, in loops that it is not in, to their loop."""
    return loops.foreign_steps(production, step.name, step.feeders) if production.loops else {}


def _free(wanted: str, taken: Collection[str]) -> str:
    while wanted in taken:
        wanted += "_"
    return wanted


def _numbered(drawn: Shape) -> dict[str, int]:
    home = {group.id: group.within for group in drawn.groups}
    home |= {drawn.ids[place]: group for place, group in drawn.tasks.items()}
    lines: dict[str, list[str]] = {}
    for name in home:
        line = [name]
        while line[-1]:
            line.append(home[line[-1]])
        lines[name] = line[::-1]  # from the DAG down
    above: dict[str, set[str]] = {name: set() for name in home}
    for edge in drawn.edges:
        one, two = lines[drawn.ids[edge.before]], lines[drawn.ids[edge.after]]
        split = next(i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)
        above[two[split]].add(one[split])
    return {name: number for number, name in enumerate(StepGraph(above).order)}
