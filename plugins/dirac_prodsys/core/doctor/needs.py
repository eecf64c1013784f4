"""Collects what productions need of a grid: from plans, and from the grid's own transformations."""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core import community
from dirac_prodsys.core.doctor.facts import GridFacts, Missing, Needed
from dirac_prodsys.core.doctor.grid_settings import GridSettings
from dirac_prodsys.core.grid.specs import BodySpec, JobSpec, RequestSpec
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.values import ProductionPlan

#: states in which agents make and submit tasks
WORKED_ON = frozenset(
    map(
        str,
        (TransformationStatus.ACTIVE, TransformationStatus.FLUSH, TransformationStatus.COMPLETING),
    )
)


def of_plan(plan: ProductionPlan) -> Iterator[Needed]:
    """Yield what each step of a plan needs."""
    for step in plan.steps:
        spec, body = step.transformation, step.transformation.body
        yield Needed(
            what=f"{plan.production}/{step.name}",
            type=spec.type,
            plugin=spec.plugin,
            job_type=_job_type(body),
            body=body.kind,
            sites=() if isinstance(body, RequestSpec) else body.sites,
            tasks_given=spec.tasks is not None,
        )


def _job_type(body: BodySpec) -> str:
    if isinstance(body, JobSpec):
        return body.job_type
    if isinstance(body, RequestSpec):
        return ""
    found = community.find(body.kind)
    return str(found.offered(found.wms_type)(body)) if found and found.wms_type else ""


def of_grid(grid: GridFacts) -> tuple[Needed, ...]:
    """Return what the transformations need on which agents work; nothing if they are not known."""
    if isinstance(grid.work, Missing) or isinstance(grid.options, Missing):
        return ()
    settings = GridSettings(grid.options, grid.vo)
    return tuple(
        Needed(
            what=one.name,
            type=one.type,
            plugin=one.plugin,
            job_type="" if settings.is_request(one.type) else one.type,
            body="request" if settings.is_request(one.type) else "",
        )
        for one in grid.work.transformations
        if one.status in WORKED_ON
    )
