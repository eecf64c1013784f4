"""The example production begun on a grid in memory, and the triggers that wait for its steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.triggers import DiracTransformationTrigger


def trigger_for(number: int, step: StepPlan, **more: Any) -> DiracTransformationTrigger:
    """What waits for the transformation ``number``, made of ``step``."""
    query = step.transformation.input_query
    return DiracTransformationTrigger(
        transformation=number,
        name=step.transformation.name,
        rules=step.rules.to_dict(),
        query=query.to_dirac() if query else None,
        **more,
    )


@dataclass(frozen=True)
class Begun:
    """Both transformations of the production, created, prepared and started."""

    grid: MemoryGrid
    gateway: MemoryGateway
    steps: tuple[StepPlan, ...]
    make: int
    merge: int

    @classmethod
    def of(cls, production: Production, grid: MemoryGrid, gateway: MemoryGateway) -> Begun:
        """``production`` as its run ``r1`` begins it."""
        steps = compile(production, run="r1").steps
        make, merge = (_begin(gateway, step) for step in steps)
        return cls(grid, gateway, steps, make, merge)

    def making(self, **more: Any) -> DiracTransformationTrigger:
        """What waits for the step without input."""
        return trigger_for(self.make, self.steps[0], **more)

    def merging(self, **more: Any) -> DiracTransformationTrigger:
        """What waits for the step that takes its files."""
        return trigger_for(self.merge, self.steps[1], **more)


def _begin(gateway: MemoryGateway, step: StepPlan) -> int:
    spec = step.transformation
    record = gateway.create_transformation(spec)
    gateway.prepare_directories(spec.directories)
    if spec.tasks:
        gateway.ensure_tasks(record.id, spec.tasks)
    gateway.start_transformation(record.id)
    return record.id


async def events(trigger: Any, meanwhile: Callable[[], None] = lambda: None) -> list[Any]:
    """All events of a trigger; ``meanwhile`` is called again and again until it ends."""

    async def collect() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    task = asyncio.ensure_future(collect())
    try:
        async with asyncio.timeout(60):
            while not task.done():
                meanwhile()
                await asyncio.sleep(0.005)
        return task.result()
    finally:
        task.cancel()
