"""A production with fewer tasks than it says, which tells nobody, as text for Airflow.

Invariant: nothing else changes; a production that is small and quiet enough keeps its text.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.writer import text_of

#: how a step of the native form may say how much it makes
_AMOUNTS = ("tasks", "target_events", "max_tasks")


def smaller(production: Production, tasks: int) -> str:
    """The production's text with at most so many tasks in each step that takes no input.

    A simulation of CTAO's form, which a person would extend by hand, gets this number.

    :param production: with the parameters of the run.
    """
    many = [s for s in production.steps if _makes(production, s.name) and not _few(s.tasks, tasks)]
    if not many and production.notify is None:
        return production.source
    data = reader.parse(production.source, production.file).data
    # people are told of what counts
    for part in (data.get("production"), data.get("prodsys")):
        if isinstance(part, dict):
            part.pop("notify", None)
    if not many:
        pass
    elif production.dialect == "ctao":
        _by_id(data, [step.name for step in many], tasks)
    else:
        _by_name(data, tasks)
    return text_of(data, files=(production.file.rpartition("/")[2],))


def _makes(production: Production, name: str) -> bool:
    step = production.step(name)
    return step.tasks is not None or (production.dialect == "ctao" and step.type == "MCSimulation")


def _few(declared: int | None, tasks: int) -> bool:
    return declared is not None and declared <= tasks


def _by_name(data: dict[str, Any], tasks: int) -> None:
    for step in (data.get("defaults"), *data.get("steps", {}).values()):
        if not isinstance(step, dict) or not any(name in step for name in _AMOUNTS):
            continue
        declared = step.get("tasks")
        few = isinstance(declared, int) and declared <= tasks
        for name in _AMOUNTS:
            step.pop(name, None)
        step["tasks"] = declared if few else tasks


def _by_id(data: dict[str, Any], names: list[str], tasks: int) -> None:
    """A step's number in its name is its place in the order of the IDs."""
    ids = sorted(step["ID"] for step in data["ProdSteps"])
    extras = data.get("prodsys") or {}
    steps = extras.get("steps") or {}
    for name in names:
        place = int(name.removeprefix("Step").partition("_")[0])
        key = str(ids[place - 1])
        steps[key] = {**(steps.get(key) or {}), "tasks": tasks}
    data["prodsys"] = {**extras, "steps": steps}
