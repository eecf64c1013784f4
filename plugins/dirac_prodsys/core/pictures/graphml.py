"""Draws a production as GraphML: its definition, and how each step stands in a run.

The file is a production, as ``convert --to graphml`` writes it: it can be read, edited and run
again. States are attributes that begin with ``state.``, which readers of productions pass over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dirac_prodsys.core.language.graphml import STATE, branched, to_graphml
from dirac_prodsys.core.pictures.state import States, StepState


def draw(data: dict[str, Any], states: States | None = None) -> str:
    """Write the graph.

    A node stands for a step as it is written: one with branches has the sum of their states.

    :param data: of a production, all its files laid over each other.
    """
    parts: dict[str, list[StepState]] = {}
    for name, state in (states or {}).items():
        for node in dict.fromkeys((name, _written(name, data["steps"]))):
            parts.setdefault(node, []).append(state)
    attributes = {node: _attributes(some) for node, some in parts.items()}
    return to_graphml(data, attributes).rstrip("\n")


def _written(name: str, steps: Collection[str]) -> str:
    """Return the step as it is written, of which this one is a branch, or a pass in a loop."""
    for each in (name, name.rpartition(".")[0]):
        if each in steps:
            return each
        if step := branched(each, steps):
            return step
    return name


def _attributes(states: Sequence[StepState]) -> Mapping[str, str | int]:
    tasks: Counter[str] = Counter()
    for state in states:
        tasks.update(state.tasks)
    words = dict.fromkeys(state.status or "not made" for state in states)
    ids = [str(state.id) for state in states if state.id is not None]
    found: dict[str, str | int] = {
        "status": ", ".join(words),
        "transformation": ", ".join(ids),
        "unit": states[0].unit,
        "done": sum(state.done for state in states),
        "total": sum(state.total for state in states),
        **{f"tasks.{word}": number for word, number in sorted(tasks.items())},
    }
    return {f"{STATE}.{name}": value for name, value in found.items() if value != ""}
