"""Runs of a small production on many machines, and what must hold at their end."""

from __future__ import annotations

import textwrap
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.errors import GatewayUnavailable
from sandbox.airflow.machines.stack import MachinesStack
from sandbox.airflow.rest import FINAL
from sandbox.errors import SandboxError
from tests.e2e.site import Site
from tests.patience import until

STEPS = ("make", "merge")
_MAKE = Path(__file__).with_name("make.sh")


@dataclass(frozen=True)
class MachinesSite(Site):
    """A site whose Airflow runs on many machines."""

    stack: MachinesStack

    def produce(self, name: str, *more: str) -> Path:
        """Drop a production of two steps, of which the first waits for the gate of its run.

        The grid runs two jobs at once.

        :param more: further steps.
        """
        place = "/sim/machines/${{ production }}/${{ run }}/${{ step }}"
        facts = '{production: "${{ production }}", run: "${{ run }}", step: "${{ step }}"}'
        gate = f"{self.gates}/${{{{ production }}}}__${{{{ run }}}}"
        steps = f"""\
            make:
              type: MCSimulation
              tasks: 1
              job:
                type: script
                executable: sh
                arguments: "{_MAKE} {gate} made_@{{JOB_ID}}.txt"
                cpu_time: 600
              output:
                directory: {place}
                se: DISK-A-SE
                metadata: {facts}
                files: ["made_@{{JOB_ID}}.txt"]
            merge:
              type: Merging
              group_size: 1
              input: {{from: make}}
              job:
                type: script
                executable: prodsys-stand-in
                arguments: --task @{{JOB_ID}} merged_@{{JOB_ID}}.txt
                cpu_time: 600
              output:
                directory: {place}
                se: DISK-A-SE
                metadata: {facts}
                files: ["merged_@{{JOB_ID}}.txt"]
            """
        return self.drop(name, textwrap.dedent(steps), *more)

    def at_work(self, name: str, run_id: str) -> None:
        """Begin a run, and wait until its first step runs on the grid."""
        self.begin(name, run_id)
        self.waiting(name, run_id, "make.wait_for_completion", seconds=180)

    def ended(self, name: str, run_id: str, seconds: float) -> dict[str, Any]:
        """Wait for the run's end; an API server whose database was away may not answer at first."""

        def look() -> dict[str, Any] | None:
            try:
                run = self.rest.run(name, run_id)
            except GatewayUnavailable:
                return None
            return run if run["state"] in FINAL else None

        try:
            return until(f"the end of {name} {run_id}", seconds, look, each=0.5) or {}
        except SandboxError as error:
            pytest.fail(f"{error}: {self.states(name, run_id)}")

    def ends_well(self, name: str, run_id: str, seconds: float = 180) -> None:
        """Wait for the end of a run: no task failed, and each step has one transformation."""
        self.succeeds(name, run_id, seconds)
        assert {*self.states(name, run_id).values()} <= {"success", "skipped"}
        for step in STEPS:
            found = [status for _id, status in self.rows(name, run_id, step)]
            assert found == ["Completed"], step
        assert self.duplicates() == {}

    def transformations(self) -> Counter[str]:
        """Return how many transformations have each name, straight from DIRAC's database."""
        with closing(self.database()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT TransformationName FROM Transformations")
            return Counter(name for (name,) in cursor.fetchall())

    def duplicates(self) -> dict[str, int]:
        """Return the names that several transformations have, and how many."""
        return {name: count for name, count in self.transformations().items() if count > 1}

    def workers(self, name: str, run_id: str) -> set[str]:
        """Return the machines on which tasks of a run were run."""
        tasks = self.rest.task_instances(name, run_id).values()
        return {task["hostname"] for task in tasks if task["hostname"]}
