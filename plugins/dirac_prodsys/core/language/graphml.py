"""Writes GraphML for graph editors: a node per step, an edge per parent, definitions as attributes.

The steps are those that were written, before ``matrix`` makes branches of them; everything else in
the file is kept with the graph. Edges mean the same as ``from``: drawing an edge links two steps. A
branch whose files a step takes is a node too, with no attribute but :data:`BRANCH_OF`.

Invariant: what is written here and read by :mod:`graphml_reader` is the same production.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

#: attribute of a node: the step without what its edges mean
DEFINITION = "definition"
#: attribute of a node that is not a step: the step to which the branch belongs; empty: unknown
BRANCH_OF = "branch_of"
#: attribute of an edge: the number of the parent it leads to, from 0
POSITION = "position"
#: first word of the attributes that say how a step stands in a run: ``state.status``; not read
STATE = "state"


def to_graphml(
    data: dict[str, Any], attributes: Mapping[str, Mapping[str, str | int]] | None = None
) -> str:
    """Write the GraphML text of a production's data, all its files laid over each other.

    :param attributes: node → more attributes of it; those of nodes that are not drawn are left out.
    """
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.graph.update({k: _text(v) for k, v in data.items() if k != "steps"})
    steps = data["steps"]
    for name, step in steps.items():
        graph.add_node(name, **{DEFINITION: _text(_without_parents(step))})
    for name, step in steps.items():
        for position, parent in enumerate(_parents(step)):
            if parent not in steps:
                graph.add_node(parent, **{BRANCH_OF: branched(parent, steps)})
            graph.add_edge(parent, name, **{POSITION: position})
    for node, given in (attributes or {}).items():
        if node in graph:
            graph.nodes[node].update(given)
    return "\n".join(networkx.generate_graphml(graph, named_key_ids=True)) + "\n"


def branched(branch: str, steps: Collection[str]) -> str:
    """Return the step with a branch of that name; empty if there is none."""
    found = [step for step in steps if branch.startswith(f"{step}-")]
    return max(found, key=len, default="")


def _parents(step: Any) -> list[str]:
    source = step.get("input") if isinstance(step, dict) else None
    named = source.get("from", []) if isinstance(source, dict) else []
    return [named] if isinstance(named, str) else list(named)


def _without_parents(step: dict[str, Any]) -> dict[str, Any]:
    source = step.get("input")
    if not isinstance(source, dict) or "from" not in source:
        return step
    rest = {key: value for key, value in source.items() if key != "from"}
    bare = {key: value for key, value in step.items() if key != "input"}
    return {**bare, "input": rest} if rest else bare


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
