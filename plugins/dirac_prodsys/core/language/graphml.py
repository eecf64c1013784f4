"""GraphML, for editors of graphs: a node per step, an edge per parent, definitions as attributes.

The steps are those that were written, before ``matrix`` makes branches of them; everything else of
the file is kept with the graph. Edges say what ``from`` says: who draws one links two steps.

Invariant: what is written and read again is the same production.
"""

from __future__ import annotations

import json
from typing import Any

from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: attribute of a node: the step without what its edges say
DEFINITION = "definition"
#: attribute of an edge: which of the parents it leads to, from 0
POSITION = "position"


def to_graphml(data: dict[str, Any]) -> str:
    """The GraphML text of a production's data, all its files laid over each other."""
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.graph.update({k: _text(v) for k, v in data.items() if k != "steps"})
    for name, step in data["steps"].items():
        graph.add_node(name, **{DEFINITION: _text(_without_parents(step))})
    for name, step in data["steps"].items():
        for position, parent in enumerate(_parents(step)):
            graph.add_edge(parent, name, **{POSITION: position})
    return "\n".join(networkx.generate_graphml(graph, named_key_ids=True)) + "\n"


def from_graphml(text: str, file: str) -> dict[str, Any]:
    """The data of a production that was written so, or drawn so.

    :raises DefinitionErrors: it is no GraphML, or no production.
    """
    import networkx

    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise _wrong(file, "a DOCTYPE is not allowed here", "save it as plain GraphML")
    try:
        graph: networkx.DiGraph[str] = networkx.DiGraph(networkx.parse_graphml(text))
    except Exception as error:  # the parser of XML and networkx have errors of many kinds
        raise _wrong(file, f"it is no GraphML: {error}", "see `convert --to graphml`") from None
    data = {str(k): _data(str(v), f"graph attribute {k}", file) for k, v in graph.graph.items()}
    data = {k: v for k, v in data.items() if k not in ("node_default", "edge_default")}
    steps: dict[str, Any] = {}
    for name, attributes in graph.nodes(data=True):
        if DEFINITION not in attributes:
            raise _wrong(
                file,
                f"node {name!r} has no attribute {DEFINITION!r}",
                'give it one: {"type": "Merging", "job": {"type": "script", "executable": "x"}}',
            )
        steps[str(name)] = _data(attributes[DEFINITION], f"the definition of step {name}", file)
    for name, step in steps.items():
        edges = graph.in_edges(name, data=POSITION, default=0)
        parents = [str(parent) for parent, _, _ in sorted(edges, key=lambda e: int(e[2]))]
        if parents:
            source = step.get("input") or {}
            step["input"] = {"from": parents[0] if len(parents) == 1 else parents, **source}
    return {**data, "steps": steps}


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


def _data(text: str, where: str, file: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _wrong(
            file, f"{where} is no JSON: {error}", "quote words, and close braces"
        ) from None


def _wrong(file: str, reason: str, hint: str) -> DefinitionErrors:
    return DefinitionErrors([DefinitionError(reason, hint, file=file, line=1, column=1)])
