"""What steps of data management need not say: their requests follow from their storage elements.

* A Replication without a job copies to what the plugin chose.
* A Moving without a job does so, and then removes the replicas at ``SourceSE``. The operations of a
  request are carried out in order, and none after one that failed.
* A Removal always says what it removes. It starts when its parents are complete.

Invariant: nothing that removes a file comes about without a word for it in the file.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.language.located import Located, Mistakes

#: what the plugin chose for the task (``BodyPlugin``)
_CHOSEN = "TASK:TargetSE"


def with_operations(tree: Located, mistakes: Mistakes) -> Located:
    """The tree with the jobs of such steps written out."""
    steps = tree.get("steps")
    if steps is None or not isinstance(steps.value, dict):
        return tree
    made = {name: _step(step, mistakes) for name, step in steps.items()}
    return tree.put({"steps": Located(made, steps.node)})


def _step(step: Located, mistakes: Mistakes) -> Located:
    kind = step.text("type")
    if kind == "Removal" and step.get("start") is None and step.get("input", "from") is not None:
        return step.put({"start": step.scalar("on_complete")})
    if kind not in ("Replication", "Moving") or step.get("job") is not None:
        return step
    sources = _sources(step)
    copy = {"type": "ReplicateAndRegister", "TargetSE": _CHOSEN}
    if sources:
        copy["SourceSE"] = sources
    operations = [copy]
    if kind == "Moving":
        if not sources:
            mistakes.add(
                step,
                "a Moving removes what it has copied, and does not say from where",
                "add plugin_parameters: {SourceSE: …, TargetSE: …}",
                on_key=True,
            )
            return step.put({"job": _located({"type": "request", "operations": operations}, step)})
        operations.append({"type": "RemoveReplica", "TargetSE": sources})
    return step.put({"job": _located({"type": "request", "operations": operations}, step)})


def _sources(step: Located) -> str:
    said = step.get("plugin_parameters", "SourceSE")
    value: Any = said.plain() if said is not None else None
    if isinstance(value, list):
        return ",".join(str(name) for name in value)
    return value if isinstance(value, str) else ""


def _located(value: Any, where: Located) -> Located:
    """Data that nobody wrote, at the place that calls for them."""
    if isinstance(value, dict):
        return where.scalar({key: _located(entry, where) for key, entry in value.items()})
    if isinstance(value, list):
        return where.scalar(tuple(_located(entry, where) for entry in value))
    return where.scalar(value)
