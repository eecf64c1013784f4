"""The example of the page as files, its run on a grid in memory, and an Airflow that acts on it.

The Airflow serves the command line over HTTP, and a run of ``production_operations`` is carried out
by its two real operators: each act that a command reports is done to the grid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer.main
import yaml
from airflow.sdk.exceptions import AirflowFailException
from click.testing import Result
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings
from tests.unit.cli.airflow_stub import AirflowStub
from tests.unit.provider.actions.action_runs import ActionRun, Store

COMMANDS: Any = typer.main.get_command(app)
#: tasks of the simulation; the file says 1,000
TASKS = 3


class ActingAirflow(AirflowStub):
    """Each run that is triggered acts on the grid of the connection ``dirac_default``."""

    def serve(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any] | None:
        if method == "POST" and path.endswith("/dagRuns") and body["dag_run_id"] not in self.runs:
            self._act(body["conf"])
        return super().serve(method, path, token, body)

    def _act(self, conf: dict[str, Any]) -> None:
        run = ActionRun({"task_state_store": Store()}, **conf)
        self.state, self.problem = "success", ""
        try:
            self.preview = run.preview()
            self.outcome = None if conf["preview"] else run.act()
        except AirflowFailException as error:
            self.state, self.problem = "failed", str(error)
            self.outcome = run.ti.pushed.get("outcome")


class GammasRun:
    """Run ``r1`` of the file, and the command line in front of it.

    :param folder: gets the file in CTAO's form, and what ``convert`` makes of it.
    :param config: name of the grid, as the option ``--config`` has it.
    """

    def __init__(self, text: str, folder: Path, grid: MemoryGrid, config: str) -> None:
        self.config = config
        self.grid = grid
        self.gateway = MemoryGateway(grid, GatewaySettings(backend="memory"))
        self.file = folder / "gammas.yml"
        self.file.write_text(text)
        self.plan: ProductionPlan = compile(load_production(text, str(self.file)), run="r1")
        for step in self.plan.steps:
            self.gateway.create_transformation(step.transformation)

    def begin(self, group_size: int) -> None:
        """Start both steps, let all their jobs end, and make the dataset.

        :param group_size: files of a task of the second step.
        """
        self.gateway.set_group_size(2, group_size)
        for number, step in enumerate(self.plan.steps, 1):
            directories = [each.of(number) for each in step.transformation.directories]
            self.gateway.prepare_directories(directories)
            if step.transformation.tasks:
                self.gateway.ensure_tasks(number, TASKS)
            self.gateway.start_transformation(number)
        for number, step in enumerate(self.plan.steps, 1):
            self.grid.advance(100)
            self._upload(number, step.transformation)
            if step.dataset:
                self.gateway.create_dataset(step.dataset)
        self.grid.advance(100)

    def _upload(self, number: int, spec: TransformationSpec) -> None:
        """Leave the file of each task where a job of CTAO does: its body names no output."""
        (data,) = (d.of(number).path for d in spec.directories if d.path.endswith("/Data"))
        for task in self.grid.transformations[number].tasks.values():
            lfn = f"{data}/000xxx/run{task.id:06d}.zst"
            self.grid.catalogue.register(lfn, nsb=1, jobID=str(task.job))

    def command(self, words: list[str]) -> Result:
        """``dirac-prodsys`` with these words, by a person who agrees to what is asked.

        Whatever asks a grid is led to the one in memory.
        """
        name, *arguments = words
        arguments = [str(self.file) if word == self.file.name else word for word in arguments]
        known = COMMANDS.commands.get(name)
        known = known.commands[arguments[0]] if hasattr(known, "commands") else known
        if known and any("--backend" in each.opts for each in known.params):
            arguments += ["--backend", "memory", "--config", self.config]
        kind = ACTIONS.get(name.replace("-", "_"))
        typed = f"{self.plan.production}\n" if kind and kind.typed else "y\n"
        return CliRunner().invoke(app, [name, *arguments], input=typed)


def laid_over(top: Any, under: Any) -> Any:
    """``top`` over ``under`` as by ``extends``: key by key, and null takes away."""
    if not isinstance(top, dict) or not isinstance(under, dict):
        return top
    both = {**under, **{key: laid_over(value, under.get(key)) for key, value in top.items()}}
    return {key: value for key, value in both.items() if value is not None or key not in top}


def with_keys(run: GammasRun, keys: dict[str, Any]) -> tuple[str, str]:
    """The file, and the file with these keys: CTAO's form if they are its, else the native one."""
    text = run.file.read_text()
    if not {"prodsys", "ProdSteps", "Common"} & set(keys):
        text = run.command(["convert", run.file.name]).stdout
    return text, yaml.safe_dump(laid_over(keys, yaml.safe_load(text)), sort_keys=False)
