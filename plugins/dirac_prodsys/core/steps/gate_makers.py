"""Finds who makes what a step waits for, as far as the production shows, so that gates are checked.

A dataset has one maker. A file, or a file with a number, is made by the step in whose output
directory it lies; if directories lie in each other, the innermost counts.

Invariant: what no step of the production makes has no maker: it exists already, or somebody else
makes it, and it is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.steps.graph import as_networkx, is_acyclic


class Makers:
    """The makers of datasets and files.

    :param datasets: name of a dataset → its maker.
    :param directories: output directory → the steps whose jobs write there.
    """

    def __init__(
        self, datasets: Mapping[str, str], directories: Mapping[str, Sequence[str]]
    ) -> None:
        self._datasets = datasets
        self._directories = directories

    def of(self, gate: Gate) -> tuple[str, ...]:
        """Return the possible makers of what this gate waits for; any of them can open it."""
        if gate.kind == "dataset":
            maker = self._datasets.get(gate.name)
            return () if maker is None else (maker,)
        if gate.kind == "production":
            return ()
        parts = gate.name.split("/")
        for end in range(len(parts) - 1, 1, -1):
            found = self._directories.get("/".join(parts[:end]))
            if found:
                return tuple(found)
        return ()


def knots(edges: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Map each name to the number of its group: names of one group all wait for each other.

    :param edges: name → the names that it waits for.
    """
    if is_acyclic(edges):
        names = dict.fromkeys((*edges, *(other for named in edges.values() for other in named)))
        return {name: number for number, name in enumerate(names)}
    import networkx

    knotted = networkx.strongly_connected_components(as_networkx(edges))
    return {name: number for number, knot in enumerate(knotted) for name in knot}
