"""The names that a production gives: to itself, to its run, and to its steps.

Invariant: a name that passes is safe wherever it becomes part of a key, and no two steps have names
that the Transformation System would take for the same.
"""

from __future__ import annotations

from dirac_prodsys.core import limits, naming
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production import Production


def check_names(production: Production, run: str, problems: Problems) -> None:
    """Names of production, virtual organisation, run and steps; mistakes are noted."""
    with problems.at("production", "name"):
        naming.check_name(production.name, "production")
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
