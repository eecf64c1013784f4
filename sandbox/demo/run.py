"""Triggers one run of the demo's production, watches it, and reports the result.

Invariant: ``complete`` is reported only if the grid itself confirms it: the run's state alone, or
a file of the demo's own, proves nothing.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.records import DatasetRecord, GatewaySettings
from sandbox.airflow.settings import connection_to
from sandbox.airflow.stack import AirflowStack
from sandbox.configuration.environment import REPOSITORY
from sandbox.grid.grid import Grid
from sandbox.runs.production_run import Look, ProductionRun


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


class DemoRun(ProductionRun):
    """One production file, run once.

    :param file: the production's YAML, in the folder that ``stack`` serves.
    """

    def __init__(self, grid: Grid, stack: AirflowStack, file: Path, run_id: str) -> None:
        self.grid = grid
        self.production: Production = load_production(file.read_text(), file.name)
        plan = compile(self.production, run=run_tag(run_id))
        gateway = open_gateway(GatewaySettings(**connection_to(grid)["extra"]))
        super().__init__(stack, gateway, plan, run_id, file.stem)

    def trigger(self, parsed_since: float) -> None:
        """Wait until Airflow knows the DAG, then start the run with Airflow's command line.

        :param parsed_since: as in :meth:`wait_known`, which also lists the errors.
        """
        self.wait_known(parsed_since)
        self.stack.command("dags", "trigger", self.dag_id, "--run-id", self.run_id)

    # -- the end ------------------------------------------------------------------------------

    def outcome(self, look: Look, folder: Path) -> Outcome:
        """Compare the expected result with the grid, and fetch the files.

        :param look: the look at the ended run.
        :param folder: folder of the fetched files.
        """
        outcome = Outcome(look)
        if look.state != "success":
            outcome.problems += [f"the run is {look.state}", *self.failed_tasks()]
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
            [sys.executable, "-m", "sandbox.demo.fetch", dataset, str(folder)],
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

    def result(self, outcome: Outcome, seconds: dict[str, float]) -> dict[str, Any]:
        """Return the content of ``result.json``."""
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
