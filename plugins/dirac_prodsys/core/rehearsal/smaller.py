"""Writes a production with fewer tasks, without notices and schedule, as text for Airflow.

Invariant: nothing else changes; a production that is small and quiet enough keeps its text.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.production.production import NATIVE, Production
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.writer import text_of

#: keys of a step of the native form that set how much it makes
_AMOUNTS = ("tasks", "target_events", "max_tasks")


def smaller(production: Production, tasks: int) -> str:
    """Write the production with at most so many tasks in each step that takes no input.

    A simulation of a community's form that a person would extend by hand gets this number.

    :param production: with the parameters of the run.
    """
    many = [s for s in production.steps if _makes(production, s.name) and not _few(s.tasks, tasks)]
    quiet = production.notify is None and production.schedule is None
    if not many and quiet:
        return production.source
    community = community_of(production.dialect) if _foreign(production) else None
    data = reader.parse(production.source, production.file).data
    # real productions send notices, rehearsals do not
    for part in (data.get("production"), data.get("prodsys")):
        if isinstance(part, dict):
            part.pop("notify", None)
    # a rehearsal is one run, with the values that a person gave
    data.pop("schedule", None)
    if not many:
        pass
    elif community is not None and community.smaller:
        community.offered(community.smaller)(data, [step.name for step in many], tasks)
    else:
        _by_name(data, tasks)
    return text_of(data, files=(production.file.rpartition("/")[2],))


def _makes(production: Production, name: str) -> bool:
    step = production.step(name)
    return step.tasks is not None or (_foreign(production) and step.input is None)


def _foreign(production: Production) -> bool:
    return production.dialect != NATIVE


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
