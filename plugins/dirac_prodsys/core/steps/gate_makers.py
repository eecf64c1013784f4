"""Who makes what a step waits for, as far as a production says: gates are proved as links are.

A dataset has one maker. A file, or a file with a number, is made by the step in whose output
directory it lies; of directories within each other, the innermost.

Invariant: what nobody in the production makes has no maker: it is there already, or somebody else
makes it, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.steps.graph import as_networkx, is_acyclic


class Makers:
    """The makers of datasets and files.

    :param datasets: name of a dataset → who makes it.
    :param directories: of an output → whose jobs write there.
    """

    def __init__(
        self, datasets: Mapping[str, str], directories: Mapping[str, Sequence[str]]
    ) -> None:
        self._datasets = datasets
        self._directories = directories

    def of(self, gate: Gate) -> tuple[str, ...]:
        """Who may make what this gate waits for; any one of them can open it."""
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
    """Name → the number of its knot: names of one knot all wait for each other.

    :param edges: name → those that it waits for.
    """
    if is_acyclic(edges):
        names = dict.fromkeys((*edges, *(other for named in edges.values() for other in named)))
        return {name: number for number, name in enumerate(names)}
    import networkx

    knotted = networkx.strongly_connected_components(as_networkx(edges))
    return {name: number for number, knot in enumerate(knotted) for name in knot}
