"""What a throw leaves: one directory for each run and step, found by both and by the version.

Invariant: two runs never share a directory or a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pydantic import ValidationError

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.models import explain
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.draft import StepDraft
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.step_plan import Datasets, Derived
from prodsys_dice.jobs import Throw

#: sides of a die that rolls fairly
FAIR = (4, 6, 8, 12, 20)


def derive(
    production: Production,
    written: Mapping[str, StepDraft],
    order: Iterable[str],
    datasets: Datasets,
    problems: Problems,
) -> Derived:
    """The steps that throw, planned; mistakes are noted."""
    found = Derived()
    for name in order:
        drafted = written.get(name)
        if drafted is None or drafted.step.job.get("type") != "dice:Throw":
            continue
        thrown = _read(drafted.step, problems)
        if thrown is None:
            continue
        run = drafted.name.split(naming.SEPARATOR)[1]
        metadata = {"run": run, "step": name, "version": thrown.version}
        directory = f"/{production.vo}/dice/{run}/{name}"
        made = Output(name, directory, metadata, MetaQuery.parse(metadata))
        body = CommunityBody(
            kind="dice",
            job_class="Throw",
            settings=(("version", thrown.version), ("sides", thrown.sides)),
            output_metadata=tuple(metadata.items()),
        )
        plan = replace(drafted, body=body, output=made).plan(None, problems)
        if plan is not None:
            found.plans[name], found.outputs[name] = plan, made
    return found


def _read(step: Step, problems: Problems) -> Throw | None:
    path = ("steps", step.name, "job")
    try:
        thrown = Throw.model_validate(step.job)
    except ValidationError as error:
        for wrong in explain(error, Throw, step.job):
            where = (*path, *wrong.path)
            problems.add(where, wrong.reason, wrong.hint, on_key=wrong.on_key, code=wrong.code)
        return None
    if thrown.sides not in FAIR:
        reason, hint = f"no fair die has {thrown.sides} sides", f"write one of {FAIR}"
        problems.remark((*path, "sides"), reason, hint, code="dice-not-fair")
    return thrown
