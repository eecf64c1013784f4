"""Builds the graph of a production's steps: which step takes files of which.

Invariant: a graph that exists is acyclic and complete, and its order is stable: parents before
children, otherwise as written. Steps need not be connected: a production may be several separate
chains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from dirac_prodsys.core.problems import Problems, nearest

if TYPE_CHECKING:
    import networkx


class StepGraph:
    """The steps and their parents.

    :param parents: step → its parents, in the order of the file; all parents are steps.
    """

    def __init__(self, parents: Mapping[str, Iterable[str]]) -> None:
        self._names = tuple(parents)
        self._written = {step: number for number, step in enumerate(parents)}
        self._parents = {step: tuple(dict.fromkeys(named)) for step, named in parents.items()}

    @property
    def order(self) -> tuple[str, ...]:
        """Return all steps, parents first.

        :raises CycleError: steps wait for each other.
        """
        sorter = TopologicalSorter(self._parents)
        sorter.prepare()
        ready: list[int] = []
        found: list[str] = []
        while sorter.is_active():
            for step in sorter.get_ready():
                heappush(ready, self._written[step])
            found.append(self._names[heappop(ready)])
            sorter.done(found[-1])
        return tuple(found)

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return the steps without a child."""
        followed = {parent for named in self._parents.values() for parent in named}
        return tuple(step for step in self._names if step not in followed)

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """Return the connected parts, each in the order of the file."""
        import networkx

        parts = networkx.weakly_connected_components(as_networkx(self._parents))
        in_order = (tuple(sorted(part, key=self._written.__getitem__)) for part in parts)
        return tuple(sorted(in_order, key=lambda part: self._written[part[0]]))

    def parents(self, step: str) -> tuple[str, ...]:
        """Return the parents of a step, in the order of the file."""
        return tuple(sorted(self._parents[step], key=self._written.__getitem__))

    def cycles(self) -> list[tuple[str, ...]]:
        """Return one cycle of each group of steps that wait for each other, from its first step."""
        if is_acyclic(self._parents):
            return []
        import networkx

        graph = as_networkx(self._parents)
        found = []
        for knot in networkx.strongly_connected_components(graph):
            if len(knot) < 2:
                continue
            start = min(knot, key=self._written.__getitem__)
            edges = networkx.find_cycle(graph.subgraph(knot), source=start)
            ring = [edge[0] for edge in edges]
            first = ring.index(min(ring, key=self._written.__getitem__))
            found.append(tuple(ring[first:] + ring[:first]))
        return sorted(found, key=lambda ring: self._written[ring[0]])


def is_acyclic(before: Mapping[str, Iterable[str]]) -> bool:
    """Whether no name comes before itself, directly or through others.

    :param before: name → the names that come before it.
    """
    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        return False
    return True


def as_networkx(before: Mapping[str, Iterable[str]]) -> networkx.DiGraph[str]:
    """Return the graph for algorithms that the standard library lacks.

    Loading networkx costs more than everything else about a production: only callers that need it
    load it.

    :param before: name → the names that come before it.
    """
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(before)
    graph.add_edges_from((other, name) for name, named in before.items() for other in named)
    return graph


def build(parents: Mapping[str, tuple[str, ...]], problems: Problems) -> StepGraph | None:
    """Return the graph of these steps; None, with problems noted, if there is none.

    :param parents: step → the parents it names, as written.
    """
    before = len(problems.found)
    for step, named in parents.items():
        seen: set[str] = set()
        for index, parent in enumerate(named):
            path = ("steps", step, "input", "from", index)
            if parent == step:
                problems.add(
                    path,
                    f"step {step} names itself as its input",
                    "name another step",
                    code="unknown-step",
                )
            elif parent not in parents:
                problems.add(
                    path,
                    f"there is no step {parent!r}",
                    nearest(parent, parents),
                    code="unknown-step",
                )
            elif parent in seen:
                problems.add(
                    path, f"step {parent!r} is named twice", "drop one", code="unknown-step"
                )
            seen.add(parent)
    if len(problems.found) > before:
        return None
    graph = StepGraph(parents)
    for ring in graph.cycles():
        shown = ring if len(ring) <= 20 else [*ring[:20], "…"]
        way = " → ".join((*shown, ring[0]))
        problems.add(
            ("steps", ring[0], "input", "from"),
            f"these steps wait for each other: {way}",
            "data flow one way: take one of these inputs out",
            code="cycle",
        )
    return None if len(problems.found) > before else graph
