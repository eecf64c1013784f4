"""Checks the names that a production gives to itself, to its run, and to its steps.

Invariant: a valid name is safe wherever it becomes part of a key, and no two steps have names that
the Transformation System would treat as the same.
"""

from __future__ import annotations

from dirac_prodsys.core import limits, naming
from dirac_prodsys.core.problems import Problems, short
from dirac_prodsys.core.production.production import Production


def check_names(production: Production, run: str, problems: Problems) -> None:
    """Check the names of production, virtual organisation, run and steps; mistakes are noted."""
    with problems.at("production", "name"):
        naming.dag_id(production.name)
    with problems.at("production", "vo"):
        naming.check_name(production.vo, "virtual organisation")
    if len(production.vo) > limits.VO.most:
        problems.add(
            ("production", "vo"),
            f"the name has {limits.VO.says(len(production.vo))}",
            "write the name that the grid knows",
            code="name",
        )
    with problems.at():
        naming.check_name(run, "run")
    for index, tag in enumerate(production.tags):
        with problems.at("production", "tags", index):
            naming.check_tag(tag)
    for name, address in production.links.items():
        with problems.at("production", "links", name):
            naming.check_link(name, address)
    _check_groups(production, problems)
    seen: dict[str, str] = {}
    for step in production.steps:
        with problems.at("steps", step.name, on_key=True):
            naming.check_name(step.name, "step")
            naming.transformation_name(production.name, run, step.name)
        twin = seen.setdefault(step.name.lower(), step.name)
        if twin != step.name:
            problems.add(
                ("steps", step.name),
                f"steps {twin!r} and {step.name!r} differ in upper and lower case only",
                "the Transformation System takes them for the same name: rename one",
                on_key=True,
                code="name",
            )


def _check_groups(production: Production, problems: Problems) -> None:
    """Check that names of steps and loops can name groups of tasks, which have no dots."""
    seen: dict[str, str] = {}
    places = [("steps", step.name) for step in production.steps]
    places += [("loops", name) for name in production.loops]
    for kind, name in places:
        group = naming.group_id(name)
        twin = seen.setdefault(group, name)
        if twin != name:
            problems.add(
                (kind, name),
                f"{twin!r} and {name!r} would both be the group {group!r} of the DAG",
                "a dot is written as two underscores there: rename one",
                on_key=True,
                code="name",
            )
    for step in production.steps:
        group = naming.group_id(step.name)
        watched = step.parents if step.start not in ("streaming", "on_complete") else ()
        tasks = [f"{group}.ready_{naming.group_id(parent)}" for parent in watched]
        longest = max(map(len, tasks), default=0)
        if len(group) > naming.MAX_GROUP or longest > naming.MAX_TASK:
            problems.add(
                ("steps", step.name),
                f"the tasks of step {short(step.name)!r} would have IDs of {longest or len(group)} "
                f"characters; Airflow takes {naming.MAX_GROUP} for a step and {naming.MAX_TASK} "
                "for a task that looks at a parent",
                "shorten the names of the step and its parents; a dot counts twice",
                on_key=True,
                code="name",
            )
