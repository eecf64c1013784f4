"""A grid in memory whose files of failed tasks stay behind, for the tests of their recovery."""

from __future__ import annotations

import json
from typing import Any

from dirac_prodsys.core.grid.specs import Command, JobSpec, OutputFile, TransformationSpec
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.ledger import LEDGER
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures import recovery

QUERY = MetaQuery.parse({"run": "r"})
RULES = StepRules(True, group_size=1)


def merging(group_size: int = 1) -> TransformationSpec:
    output = OutputFile(name="m_@{JOB_ID}", directory="/sim/merged", se="DISK-A-SE")
    body = JobSpec(
        name="m", job_type="Merging", commands=(Command(executable="m"),), outputs=(output,)
    )
    return TransformationSpec(
        name="merge",
        description="",
        type="Merging",
        group_size=group_size,
        body=body,
        input_query=QUERY,
    )


class Site:
    """A grid whose files of failed tasks stay Assigned, and a transformation on it.

    :param watched: its agents watch files.
    """

    def __init__(
        self,
        files: int = 4,
        group_size: int = 1,
        spec: TransformationSpec | None = None,
        watched: bool = False,
        **grid: Any,
    ) -> None:
        self.grid = MemoryGrid(**{"fails": lambda task: task.id == 1, **grid})
        self.grid.stopped_agents = set() if watched else {"file_monitoring"}
        self.gateway = MemoryGateway(self.grid)
        for number in range(files):
            self.grid.catalogue.register(f"/sim/in/{number}", run="r")
        self.spec = spec or merging(group_size)
        self.id = self.gateway.create_transformation(self.spec).id
        self.gateway.start_transformation(self.id)
        self.grid.advance(100)

    def recover(self, rules: StepRules = RULES) -> recovery.RecoveryPass:
        return recovery.recover(self.gateway, self.id, self.spec.body, rules)

    @property
    def files(self) -> dict[str, str]:
        found = self.grid.transformations[self.id].files
        return {lfn[-1]: str(file.status) for lfn, file in found.items()}

    @property
    def note(self) -> dict[str, Any]:
        return dict(json.loads(self.gateway.read_note(self.id, LEDGER) or "{}"))
