"""Rewrites a production of CTAO's form: in the native form, or with fewer tasks.

Invariant: the native form makes the same transformations, except where it is more precise: the
number of tasks of a simulation, unknown in CTAO's file, becomes a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dirac_prodsys.communities.ctao.rules.inputs import narrowing
from dirac_prodsys.communities.ctao.types.job_types import PREFIX, CtaoType, ctao_type
from dirac_prodsys.core.language.model import VERSION
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production.policy import Policy
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step

#: keys that belong to the step in the native form
_OF_THE_STEP = frozenset({"type", "group_size"})


def native_form(production: Production) -> dict[str, Any]:
    """Return the data of a file of version 1.

    :param production: a production of the dialect ``ctao``, without mistakes.
    """
    header: dict[str, Any] = {"name": production.name, "vo": production.vo}
    for key in ("description", "tags"):
        value = getattr(production, key)
        header |= {key: list(value) if key == "tags" else value} if value else {}
    if production.connection != "dirac_default":
        header["connection"] = production.connection
    counted = [s.name for s in production.steps if _is_simulation(s) and s.tasks is None]
    data: dict[str, Any] = {"version": VERSION, "production": header}
    if counted:
        data["parameters"] = {
            _parameter(name): {"type": "int", "min": 1, "description": f"Jobs of {name}"}
            for name in counted
        }
    data["steps"] = {step.name: _step(step) for step in production.steps}
    return data


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


def _step(step: Step) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if step.description:
        made["description"] = step.description
    if _is_simulation(step):
        made["tasks"] = step.tasks or f"${{{{ parameters.{_parameter(step.name)} }}}}"
    made |= _input(step)
    config, common = step.job["config"], _known(step)
    group_size = {**common, **config}.get("group_size")
    if group_size is not None:
        made["group_size"] = group_size
    given = {k: v for k, v in common.items() if k not in config} | config
    job = {k: v for k, v in given.items() if k not in _OF_THE_STEP and v is not None}
    made["job"] = {"type": step.job["type"], **job}
    if step.start != "streaming":
        made["start"] = step.start
    if step.dataset is not None:
        made["dataset"] = step.dataset.model_dump(exclude_defaults=True)
    if step.policy != Policy():
        made["policy"] = step.policy.model_dump(exclude_defaults=True, by_alias=True)
    return made


def _known(step: Step) -> dict[str, Any]:
    """Return the keys of ``Common`` that this job type knows and the job does not set itself."""
    known = _type(step).config.model_fields
    common: Mapping[str, Any] = step.job["common"]
    return {k: v for k, v in common.items() if v is not None and k in known}


def _input(step: Step) -> dict[str, Any]:
    source = step.input
    if source is None:
        return {}
    where = narrowing(source.where, (), Problems())
    made: dict[str, Any] = {}
    if source.steps:
        made["from"] = source.steps[0]
    if source.dataset is not None:
        made["dataset"] = source.dataset
    if where:
        made["where"] = where
    return {"input": made}


def _is_simulation(step: Step) -> bool:
    return _type(step).simulation


def _type(step: Step) -> CtaoType:
    return ctao_type(str(step.job["type"]).removeprefix(PREFIX))


def _parameter(step: str) -> str:
    return "tasks_" + "".join(c if c.isalnum() else "_" for c in step)
