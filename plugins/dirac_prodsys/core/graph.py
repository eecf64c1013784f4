"""Who feeds whom: the graph of a production's steps.

Invariant: a graph that exists is acyclic and complete, and its order is stable: parents before
children, and otherwise as written. Steps need not be connected: a production may be a bag of
chains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dirac_prodsys.core.problems import Problems, nearest

if TYPE_CHECKING:
    import networkx


class StepGraph:
    """The steps and their parents.

    :param parents: step → its parents, in the order of the file; all parents are steps.
    """

    def __init__(self, parents: Mapping[str, Iterable[str]]) -> None:
        import networkx

        self._written = {step: number for number, step in enumerate(parents)}
        self._graph: networkx.DiGraph[str] = networkx.DiGraph()
        self._graph.add_nodes_from(parents)
        self._graph.add_edges_from((p, step) for step, named in parents.items() for p in named)

    @property
    def order(self) -> tuple[str, ...]:
        """All steps, parents first."""
        import networkx

        key = self._written.__getitem__
        return tuple(networkx.lexicographical_topological_sort(self._graph, key=key))

    @property
    def roots(self) -> tuple[str, ...]:
        """Steps without a parent."""
        return tuple(step for step in self._written if not self._graph.pred[step])

    @property
    def leaves(self) -> tuple[str, ...]:
        """Steps without a child."""
        return tuple(step for step in self._written if not self._graph.succ[step])

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The connected parts, each in the order of the file."""
        import networkx

        parts = networkx.weakly_connected_components(self._graph)
        in_order = (tuple(sorted(part, key=self._written.__getitem__)) for part in parts)
        return tuple(sorted(in_order, key=lambda part: self._written[part[0]]))

    def parents(self, step: str) -> tuple[str, ...]:
        """The parents of a step, in the order of the file."""
        return tuple(sorted(self._graph.pred[step], key=self._written.__getitem__))

    def cycles(self) -> list[tuple[str, ...]]:
        """One cycle of each knot of steps that wait for each other, from its first step on."""
        import networkx

        found = []
        for knot in networkx.strongly_connected_components(self._graph):
            if len(knot) < 2:
                continue
            start = min(knot, key=self._written.__getitem__)
            edges = networkx.find_cycle(self._graph.subgraph(knot), source=start)
            ring = [edge[0] for edge in edges]
            first = ring.index(min(ring, key=self._written.__getitem__))
            found.append(tuple(ring[first:] + ring[:first]))
        return sorted(found, key=lambda ring: self._written[ring[0]])


def build(parents: Mapping[str, tuple[str, ...]], problems: Problems) -> StepGraph | None:
    """The graph of these steps; None, and the problems noted, if there is none.

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
