"""Two transformations on a grid in memory: files are made, and merged by four."""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import (
    Command,
    DirectorySpec,
    JobSpec,
    OutputFile,
    TransformationSpec,
)
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.memory import MemoryGateway

SLICES = DirectorySpec(path="/sim/slices", metadata={"production": "p", "step": "slices"})


def simulation(outputs: bool = True, **changes: object) -> TransformationSpec:
    files = (OutputFile(name="s_@{JOB_ID}", directory=SLICES.path, se="DISK-A-SE"),)
    body = JobSpec(
        name="slices",
        job_type="MCSimulation",
        commands=(Command(executable="slice"),),
        outputs=files if outputs else (),
    )
    return TransformationSpec.model_validate(
        {"name": "slices", "description": "", "type": "MCSimulation", "body": body} | changes
    )


def merging(**changes: object) -> TransformationSpec:
    return TransformationSpec.model_validate(
        {
            "name": "merge",
            "description": "",
            "type": "Merging",
            "group_size": 4,
            "body": JobSpec(name="m", job_type="Merging", commands=(Command(executable="m"),)),
            "input_query": MetaQuery.parse(SLICES.metadata),
        }
        | changes
    )


def started(gateway: MemoryGateway, spec: TransformationSpec, tasks: int = 0) -> int:
    made = gateway.create_transformation(spec)
    gateway.prepare_directories([SLICES])
    if tasks:
        gateway.ensure_tasks(made.id, tasks)
    gateway.start_transformation(made.id)
    return made.id


def files(gateway: MemoryGateway, transformation: int) -> dict[str, int]:
    return dict(gateway.snapshot([transformation])[transformation].files)
