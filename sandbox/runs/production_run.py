"""Triggers one run of a production on a grid, and looks at it until it has ended.

Invariant: looking changes nothing, and an outage of the grid is a note, not an end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.naming import dag_id, group_id
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.reports.progress import Progress, StepRow, progress, summary
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.protocol import ProductionGateway
from sandbox.airflow.rest import FINAL, until
from sandbox.airflow.stack import AirflowStack
from sandbox.errors import SandboxError

_SETTLED = frozenset({"success", "skipped", "removed", None})


@dataclass(frozen=True)
class Look:
    """The whole run at one moment.

    :param state: Airflow's state of the run.
    :param activity: step -> Airflow's current task and its state: ``wait_for_input deferred``.
    :param note: a sentence if something could not be read.
    """

    state: str
    progress: list[Progress]
    rows: list[StepRow]
    activity: dict[str, str]
    note: str = ""


class ProductionRun:
    """One production, run once.

    :param stem: stem of its file's name, in the folder that ``stack`` serves.
    :param plan: plan of this run.
    """

    def __init__(
        self,
        stack: AirflowStack,
        gateway: ProductionGateway,
        plan: ProductionPlan,
        run_id: str,
        stem: str,
    ) -> None:
        self.stack = stack
        self.gateway = gateway
        self.plan = plan
        self.run_id = run_id
        self.stem = stem
        self.dag_id = dag_id(plan.production)
        self._ids: dict[str, int] = {}
        self._last: dict[str, Snapshot] = {}

    def wait_known(self, parsed_since: float, seconds: float = 90) -> None:
        """Wait until Airflow knows the DAG.

        :param parsed_since: Unix time; an older version of the DAG does not count.
        :raises SandboxError: the file has an import error, or the DAG does not appear.
        """
        until(f"DAG {self.dag_id}", seconds, lambda: self._known(parsed_since))

    def _known(self, parsed_since: float) -> bool:
        for name, text in self.stack.rest.import_errors().items():
            if Path(name).name.startswith(self.stem):
                raise SandboxError(f"Airflow refuses {self.stem}: {text}")
        return self.stack.rest.parsed(self.dag_id) >= parsed_since

    def looks(self, each: float = 1.0) -> Iterator[Look]:
        """Yield one look after the other, the last one at the ended run."""
        while True:
            look = self.look()
            yield look
            if look.state in FINAL:
                return
            time.sleep(each)

    def look(self) -> Look:
        """Return the run as it is now."""
        state = self.stack.rest.run(self.dag_id, self.run_id)["state"]
        note = ""
        try:
            self._ask_grid()
        except GatewayUnavailable as error:
            note = f"the grid does not answer: {error.reason}"
        tasks = self.stack.rest.task_instances(self.dag_id, self.run_id)
        return Look(
            state,
            progress(self.plan, self._last),
            summary(self.plan, self._last),
            {step.name: _activity(step.name, tasks) for step in self.plan.steps},
            note,
        )

    def _ask_grid(self) -> None:
        for step in self.plan.steps:
            name = step.transformation.name
            if name not in self._ids and (record := self.gateway.find_transformation(name)):
                self._ids[name] = record.id
        if self._ids:
            seen = self.gateway.snapshot(list(self._ids.values()))
            self._last |= {snapshot.name: snapshot for snapshot in seen.values()}

    def failed_tasks(self) -> list[str]:
        """Return a sentence for each failed task, with the place of its logs."""
        logs = (
            self.stack.home / "logs" / "tasks" / f"dag_id={self.dag_id}" / f"run_id={self.run_id}"
        )
        return [
            f"task {name} failed; see {logs / f'task_id={name}'}"
            for name, task in self.stack.rest.task_instances(self.dag_id, self.run_id).items()
            if task["state"] == "failed"
        ]

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return the last snapshot of each transformation, by name."""
        return self._last


def _activity(step: str, tasks: dict[str, dict[str, Any]]) -> str:
    own = group_id(step)
    busy = []
    for name, task in tasks.items():
        part = "create" if name.endswith(f".create.{own}") else name.removeprefix(f"{own}.")
        if part != name and task["state"] not in _SETTLED:
            busy.append(f"{part} {task['state']}")
    return ", ".join(sorted(busy))
