"""Writes out the requests of data management steps, from their storage elements.

* A Replication without a job copies to what the plugin chose.
* A Moving without a job does so, too, and a second step beside it, ``NAME.remove``, removes the
replicas at ``SourceSE``: only for files with copies that agree with the catalogue. One request with
both operations is not enough: DIRAC treats a registered copy as an existing one
(``ReplicateAndRegister``, 9.1), and removes the source.
* A Removal always says what it removes. It starts when its parents are complete.
* A step with ``output: {transient: true}`` gets a second step, ``NAME.remove``, which removes its
files when every step that takes them is complete.

Invariant: nothing removes a file without a word for it in the production file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.grid.request_rules import STORAGE_ELEMENT
from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.limits import OPERATION_PLACES

#: what the plugin chose for the task (``BodyPlugin``)
_CHOSEN = "TASK:TargetSE"

#: suffix of the step that removes what a Moving has copied, or a transient output
REMOVES = ".remove"

#: operations that copy files, and operations that remove them
_COPY = frozenset({"ReplicateAndRegister"})
_REMOVE = frozenset({"RemoveReplica", "RemoveFile", "PhysicalRemoval", "MoveReplica"})

#: files that one request removes of a transient output
_FILES_PER_REQUEST = 100

#: keys that the second step shares with the first
_SHARED = ("group_size", "policy", "on_cancel", "matrix")


def with_operations(tree: Located, mistakes: Mistakes) -> Located:
    """Return the tree with the jobs of such steps written out."""
    steps = tree.get("steps")
    if steps is None or not isinstance(steps.value, dict):
        return tree
    made: dict[str, Located] = {}
    for name, step in steps.items():
        made[name] = _step(step, mistakes)
        if step.text("type") == "Moving" and (second := _removal(name, step, mistakes)):
            if name + REMOVES in steps.value:
                reason = (
                    f"step {name}{REMOVES} is made of the Moving {name}, and is written as well"
                )
                mistakes.add(steps.value[name + REMOVES], reason, "rename one", on_key=True)
            made[name + REMOVES] = second
    loops = _loops_of_steps(tree)
    for name, step in steps.items():
        wish = step.get("output", "transient")
        if wish is None or wish.value is not True:
            continue
        if name + REMOVES in made:
            reason = f"step {name}{REMOVES} is made of the transient output, and is there already"
            mistakes.add(wish, reason, "rename one")
        elif second := _transient_removal(name, step, wish, made, loops, mistakes):
            made[name + REMOVES] = second
    return tree.put({"steps": Located(made, steps.node)})


def _loops_of_steps(tree: Located) -> dict[str, str]:
    """Map each step of a loop to the name of the loop."""
    loops = tree.get("loops")
    return {
        step: name
        for name, loop in (loops.items() if loops is not None else ())
        for step in _texts(loop.get("steps"))
    }


def _transient_removal(
    name: str,
    step: Located,
    wish: Located,
    steps: Mapping[str, Located],
    loops: Mapping[str, str],
    mistakes: Mistakes,
) -> Located | None:
    """Return the step that removes the output of a step when all that take it are complete."""
    if name in loops:
        reason = f"step {name} is in loop {loops[name]}, and each pass would remove its output"
        mistakes.add(wish, reason, "remove it by a step of type Removal after the loop")
        return None
    readers = _readers(name, steps)
    if not readers:
        reason = f"no step takes the output of {name}: it would be removed as soon as it is made"
        mistakes.add(wish, reason, f"drop transient, or let a step take it: from: {name}")
        return None
    made = {
        "type": "Removal",
        "start": "on_complete",
        "group_size": _FILES_PER_REQUEST,
        "input": {"from": name},
        "after": readers,
        "job": {"type": "request", "operations": [{"type": "RemoveFile"}]},
        "description": f"Removes the transient output of step {name}",
    }
    shared = {key: entry for key in ("on_cancel", "matrix") if (entry := step.get(key))}
    return _located(made, wish).put(shared)


def _readers(name: str, steps: Mapping[str, Located]) -> list[str]:
    """Return the steps that take files of a step, directly or from one that only copies them."""
    found: dict[str, None] = {}
    left = [name]
    while left:
        taken = left.pop(0)
        for other, step in steps.items():
            if other not in found and taken in _texts(step.get("input", "from")):
                found[other] = None
                copies = step.text("type") in ("Replication", "Moving")
                left += [other] if copies and step.get("output") is None else []
    return list(found)


def _texts(entry: Located | None) -> list[str]:
    """Return a text, or the texts of a list."""
    value = None if entry is None else entry.plain()
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _step(step: Located, mistakes: Mistakes) -> Located:
    kind = step.text("type")
    if kind == "Removal" and step.get("start") is None and step.get("input", "from") is not None:
        return step.put({"start": step.scalar("on_complete")})
    if kind not in ("Replication", "Moving"):
        return step
    if step.get("job") is not None:
        _refuse_unverified(step, mistakes)
        return step
    copy = {"type": "ReplicateAndRegister", "TargetSE": _CHOSEN}
    sources = _names(step, "SourceSE")
    if len(sources) == 1 and _are_names(sources):
        # DIRAC treats several as one name; the plugin has checked them
        copy["SourceSE"] = sources[0]
    return step.put({"job": _located({"type": "request", "operations": [copy]}, step)})


def _removal(name: str, step: Located, mistakes: Mistakes) -> Located | None:
    sources, targets = _names(step, "SourceSE"), _names(step, "TargetSE")
    if not sources or not targets:
        mistakes.add(
            step,
            "a Moving removes what it has copied, and does not say from where",
            "add plugin_parameters: {SourceSE: …, TargetSE: …}",
            on_key=True,
            code="missing-key",
        )
        return None
    if not _are_names([*sources, *targets]):
        return None  # reported with the plugin's parameters
    joined = len(",".join(sources))
    if joined > OPERATION_PLACES.most:
        mistakes.add(
            step.value["plugin_parameters"].value["SourceSE"],
            f"joined by commas they have {OPERATION_PLACES.says(joined)}",
            "make two steps of it, each with some of the sources",
            code="text",
        )
        return None
    chosen = step.get("plugin_parameters", "Destinations")
    if chosen is not None:
        mistakes.add(
            chosen,
            "a Moving to some of its targets does not say where the copies must be",
            "name the targets that all files go to",
            on_key=True,
        )
        return None
    remove = {"type": "RemoveReplica", "TargetSE": ",".join(sources)}
    made = step.put(
        {
            "type": step.scalar("Removal"),
            "start": step.scalar("on_complete"),
            "input": _located({"from": name, "verified_at": targets}, step),
            "job": _located({"type": "request", "operations": [remove]}, step),
        }
    )
    kept = {"type", "start", "input", "job", *_SHARED}
    return made.drop(*(key for key, _ in made.items() if key not in kept))


def _refuse_unverified(step: Located, mistakes: Mistakes) -> None:
    """Refuse a request that both copies and removes: nothing would check the copy in between."""
    operations = step.get("job", "operations")
    if operations is None or not isinstance(operations.value, tuple):
        return
    copied = False
    for operation in operations.value:
        kind = operation.text("type")
        copied = copied or kind in _COPY
        if kind == "MoveReplica" or (copied and kind in _REMOVE):
            mistakes.add(
                operation,
                f"{kind} would remove files whose copies nobody has compared with the catalogue",
                "write type: Moving without a job: it verifies the copies, then removes",
            )


def _names(step: Located, key: str) -> list[str]:
    names = step.get("plugin_parameters", key)
    value: Any = names.plain() if names is not None else None
    if isinstance(value, list):
        return [str(name) for name in value]
    return [value] if isinstance(value, str) else []


def _are_names(places: list[str]) -> bool:
    return all(STORAGE_ELEMENT.fullmatch(place) for place in places)


def _located(value: Any, where: Located) -> Located:
    """Return data that was not written, at the place that requires them."""
    if isinstance(value, dict):
        return where.scalar({key: _located(entry, where) for key, entry in value.items()})
    if isinstance(value, list):
        return where.scalar(tuple(_located(entry, where) for entry in value))
    return where.scalar(value)
