"""One run of the demo's production: trigger it, look at it, and say what became of it.

Invariant: ``complete`` is said only of what the grid itself confirms: the run's state alone, or a
file of the demo's own, proves nothing.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import dag_id, run_tag
from dirac_prodsys.core.plan import ProductionPlan, compile
from dirac_prodsys.core.production import Production
from dirac_prodsys.core.report import Progress, Row, progress, summary
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.protocol import DatasetRecord, GatewaySettings, ProductionGateway
from sandbox.airflow_rest import FINAL, until
from sandbox.airflow_settings import connection_to
from sandbox.airflow_stack import AirflowStack
from sandbox.environment import REPOSITORY
from sandbox.errors import SandboxError
from sandbox.grid import Grid

_SETTLED = frozenset({"success", "skipped", "removed", None})


@dataclass(frozen=True)
class Look:
    """The whole run at one moment.

    :param state: Airflow's state of the run.
    :param activity: step -> what Airflow is at in it: ``process deferred``.
    :param note: a sentence where something could not be seen.
    """

    state: str
    progress: list[Progress]
    rows: list[Row]
    activity: dict[str, str]
    note: str = ""


@dataclass
class Outcome:
    """How a run ended.

    :param problems: why it does not count as complete; empty when it does.
    :param picture: the result on this machine, or None.
    """

    look: Look
    datasets: list[DatasetRecord] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    picture: Path | None = None


class DemoRun:
    """One production file, run once.

    :param file: the production's YAML, in the folder that ``stack`` serves.
    """

    def __init__(self, grid: Grid, stack: AirflowStack, file: Path, run_id: str) -> None:
        self.grid = grid
        self.stack = stack
        self.run_id = run_id
        self.production: Production = load_production(file.read_text(), file.name)
        self.dag_id = dag_id(self.production.name)
        self.plan: ProductionPlan = compile(self.production, run=run_tag(run_id))
        self.gateway: ProductionGateway = open_gateway(
            GatewaySettings(**connection_to(grid)["extra"])
        )
        self._ids: dict[str, int] = {}
        self._last: dict[str, Snapshot] = {}

    def trigger(self, parsed_since: float) -> None:
        """Wait until Airflow knows the DAG, then start the run with Airflow's command line.

        :param parsed_since: Unix time; an older version of the DAG is not good enough.
        :raises SandboxError: the file has an import error, or the DAG does not appear.
        """
        until(f"DAG {self.dag_id}", 90, lambda: self._known(parsed_since))
        self.stack.command("dags", "trigger", self.dag_id, "--run-id", self.run_id)

    def _known(self, parsed_since: float) -> bool:
        for name, text in self.stack.rest.import_errors().items():
            if Path(name).name.startswith(Path(self.production.file).stem):
                raise SandboxError(f"Airflow refuses {self.production.file}: {text}")
        return self.stack.rest.parsed(self.dag_id) >= parsed_since

    def looks(self, each: float = 1.0) -> Iterator[Look]:
        """One look after the other, the last one at the ended run."""
        while True:
            state = self.stack.rest.run(self.dag_id, self.run_id)["state"]
            yield self._look(state)
            if state in FINAL:
                return
            time.sleep(each)

    def _look(self, state: str) -> Look:
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

    # -- the end ------------------------------------------------------------------------------

    def outcome(self, look: Look, folder: Path) -> Outcome:
        """Compare what should be there with what the grid says, and fetch the result.

        :param look: at the ended run.
        :param folder: where the fetched files go.
        """
        outcome = Outcome(look)
        if look.state != "success":
            outcome.problems += [f"the run is {look.state}", *self._failed_tasks()]
            return outcome
        for step in self.plan.steps:
            if step.dataset is None:
                continue
            record = self.gateway.find_dataset(step.dataset.name)
            if record is None:
                outcome.problems.append(f"there is no dataset {step.dataset.name}")
                continue
            outcome.datasets.append(record)
            expected = self.gateway.count_files(step.dataset.query)
            if record.files != expected or step.dataset.expect_files not in (None, record.files):
                outcome.problems.append(
                    f"{record.name} holds {record.files} files; the catalogue finds {expected}, "
                    f"expected are {step.dataset.expect_files}"
                )
            if record.frozen != step.dataset.freeze:
                outcome.problems.append(f"{record.name} is not frozen")
            self._fetch(record.name, folder, outcome)
        return outcome

    def _fetch(self, dataset: str, folder: Path, outcome: Outcome) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "sandbox.demo_fetch", dataset, str(folder)],
            env=self.grid.env(),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        paths = [Path(line) for line in done.stdout.splitlines() if line.startswith(str(folder))]
        if done.returncode or not paths:
            words = (done.stderr or done.stdout).strip().splitlines()
            reason = words[-1] if words else "no word"
            outcome.problems.append(f"{dataset} could not be fetched: {reason}")
            return
        for path in paths:
            if path.suffix == ".png":
                with Image.open(path) as image:
                    image.verify()
                outcome.picture = path

    def _failed_tasks(self) -> list[str]:
        logs = (
            self.stack.home / "logs" / "tasks" / f"dag_id={self.dag_id}" / f"run_id={self.run_id}"
        )
        return [
            f"task {name} failed; see {logs / f'task_id={name}'}"
            for name, task in self.stack.rest.task_instances(self.dag_id, self.run_id).items()
            if task["state"] == "failed"
        ]

    def result(self, outcome: Outcome, seconds: dict[str, float]) -> dict[str, Any]:
        """The content of ``result.json``."""
        return {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "state": outcome.look.state,
            "production": self.production.name,
            "transformations": [
                {name: value for name, value in row.to_dict().items() if name != "dataset"}
                for row in outcome.look.rows
            ],
            "datasets": [
                {
                    "name": record.name,
                    "files": record.files,
                    "query": dict(record.query),
                    "frozen": record.frozen,
                }
                for record in outcome.datasets
            ],
            "seconds": {name: round(value, 1) for name, value in seconds.items()},
            "picture": str(outcome.picture) if outcome.picture else None,
        }


def _activity(step: str, tasks: dict[str, dict[str, Any]]) -> str:
    busy = [
        f"{name.removeprefix(f'{step}.')} {task['state']}"
        for name, task in tasks.items()
        if name.startswith(f"{step}.") and task["state"] not in _SETTLED
    ]
    return ", ".join(sorted(busy))
