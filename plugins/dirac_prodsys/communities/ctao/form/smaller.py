"""Reduces the number of tasks in a file of CTAO's form.

Invariant: nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def with_tasks(data: dict[str, Any], names: Iterable[str], tasks: int) -> None:
    """Write the number of tasks of these steps into the data of a file.

    The number in a step's name is its place in the order of the IDs. A simulation, which a person
    would extend by hand, gets this number of tasks.
    """
    ids = sorted(step["ID"] for step in data["ProdSteps"])
    extras = data.get("prodsys") or {}
    steps = extras.get("steps") or {}
    for name in names:
        place = int(name.removeprefix("Step").partition("_")[0])
        key = str(ids[place - 1])
        steps[key] = {**(steps.get(key) or {}), "tasks": tasks}
    data["prodsys"] = {**extras, "steps": steps}
