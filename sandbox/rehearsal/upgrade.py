"""Rehearses an upgrade: ``python -m sandbox.rehearsal.upgrade COMMIT``.

The code of an older commit ends one run and begins another. When that waits in every way, all of
Airflow is stopped, the production's file is edited, and this code starts on the same home and
database, as on a site. It must end the run by its pinned snapshot, and read both runs.

Invariant: when it has ended, nothing runs; its files are kept only if something is wrong.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.rehearsal.report import report
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.records import GatewaySettings
from sandbox.airflow.rest import until
from sandbox.airflow.settings import connection_to
from sandbox.airflow.stack import AirflowStack
from sandbox.configuration.environment import REPOSITORY, VENV_BIN
from sandbox.errors import SandboxError, raise_when_told_to_end
from sandbox.grid.grid import Grid
from sandbox.rehearsal.facts import seen_datasets, seen_steps
from sandbox.rehearsal.run import RehearsalRun

FILE = Path(__file__).with_name("carried_over.yaml")

#: tasks of the second run that wait when the old code ends; what is behind them has not begun
WAITS = {
    "make.wait_for_completion": "deferred",
    "merge.wait_for_input": "deferred",
    "last.wait_for": "deferred",
    "asked.approve": "awaiting_input",
    "tune__2.wait_for_completion": "deferred",
}
#: seconds for what takes less than a minute on an idle machine
_PATIENCE = 600.0


class Upgrade:
    """A grid, and an Airflow whose code is exchanged; all files are in the empty folder `place`."""

    def __init__(self, place: Path) -> None:
        self.place, self.productions = place, place / "productions"
        self.productions.mkdir()
        self.file = place / FILE.name
        self.file.write_text(FILE.read_text().replace("PLACE", str(place)))
        self.grid = Grid(place / "grid", "light")
        self.gateway = DiracGateway(GatewaySettings(**connection_to(self.grid)["extra"]))
        self._began = time.monotonic()

    def problems(self, commit: str) -> list[str]:
        """Upgrade from the commit; return what is wrong, in sentences."""
        old, served = self.place / "old", self.productions / FILE.name
        _unpack(commit, old)
        shutil.copy(self.file, served)
        with self.grid:
            with self._airflow(old) as stack:
                before = self._begin(stack, "before")
                wrong = self._end(before)
                across = self._begin(stack, "across")
                until("a run that waits", _PATIENCE, lambda: _busy(across) == WAITS, each=1)
                self._say(f"run across waits: {', '.join(WAITS)}")
            served.write_text(served.read_text().replace("expect_files: 2", "expect_files: 3"))
            with self._airflow(REPOSITORY) as across.stack:
                across.wait_known(across.stack.started("dag-processor"), _PATIENCE)
                if (now := _busy(across)) != WAITS:
                    wrong.append(f"run across waits no more as it did: {now}")
                wrong += self._end(across)
            return wrong + self._read("before") + self._read("across")

    def _say(self, message: str) -> None:
        typer.echo(f"{time.monotonic() - self._began:6.1f} s  {message}")

    @contextmanager
    def _airflow(self, code: Path) -> Iterator[AirflowStack]:
        """Run Airflow with the code of a tree."""
        connections = {"dirac_default": connection_to(self.grid)}
        with AirflowStack(
            self.place / "airflow", self.productions, connections, code=code
        ) as stack:
            where = [VENV_BIN / "python", "-c", "import dirac_prodsys as d; print(d.__file__)"]
            found = subprocess.check_output(where, env=stack.env(), cwd=stack.home, text=True)
            if not Path(found).is_relative_to(code):
                raise SandboxError(f"Airflow runs {found.strip()} and not the code of {code}")
            self._say(f"Airflow runs {Path(found).parent}")
            yield stack
        self._say("Airflow is stopped")

    def _begin(self, stack: AirflowStack, run_id: str) -> RehearsalRun:
        plan = compile(load_production(self.file.read_text(), FILE.name), run=run_tag(run_id))
        run = RehearsalRun(stack, self.gateway, plan, run_id, FILE.stem)
        run.wait_known(stack.started("dag-processor"), _PATIENCE)
        run.begin({})
        return run

    def _end(self, run: RehearsalRun) -> list[str]:
        """Let the jobs of a run end, and attend to it until it has ended; return what is wrong."""
        (self.place / run.run_id).touch()
        while (look := run.attend(_PATIENCE)) and run.ended is None:
            time.sleep(1)
        self._say(f"run {run.run_id} is over: {look.state}")
        steps, datasets = seen_steps(self.gateway, run), seen_datasets(self.gateway, run)
        seen = report(run.plan, steps, datasets, state=look.state, seconds=0, failures=run.failures)
        wrong = [*seen.findings, *run.stack.rest.import_errors().values()]
        for name, task in run.stack.rest.task_instances(run.dag_id, run.run_id).items():
            if task["try_number"] > 1:
                wrong.append(f"task {name} took {task['try_number']} tries")
        made = Counter(each.name for each in self.gateway.list_transformations())
        names = [step.transformation.name for step in run.plan.steps]
        wrong += [f"{made[name]} transformations {name}" for name in names if made[name] != 1]
        return [f"run {run.run_id}: {problem}" for problem in wrong]

    def _read(self, run_id: str) -> list[str]:
        """Read a run with this command line, print its table; return what is wrong."""
        wrong = []
        for command in ("status", "report"):
            done = subprocess.run(
                [VENV_BIN / "dirac-prodsys", command, "--file", self.file, "--run", run_id],
                env={**self.grid.env(), "PYTHONPATH": str(REPOSITORY / "plugins")},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                wrong.append(f"run {run_id}: {command} cannot read it: {done.stderr.strip()}")
            elif command == "status":
                typer.echo(done.stdout)
        return wrong


def _unpack(commit: str, folder: Path) -> None:
    command = ["git", "archive", "--format=tar", commit]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
    if done.returncode:
        raise SandboxError(done.stderr.decode().strip())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _busy(run: RehearsalRun) -> dict[str, str]:
    """Return the tasks that have begun and are not done, with their states."""
    tasks = run.stack.rest.task_instances(run.dag_id, run.run_id)
    return {k: task["state"] for k, task in tasks.items() if task["state"] not in (None, "success")}


def upgrade(commit: str) -> None:
    """Let this code end a run that the code of an older COMMIT began."""
    raise_when_told_to_end()
    place, wrong = Path(tempfile.mkdtemp(prefix="dirac-upgrade-")), ["it was interrupted"]
    try:
        wrong = Upgrade(place).problems(commit)
    except SandboxError as error:
        wrong = [str(error)]
    finally:
        for problem in wrong:
            typer.echo(f"wrong: {problem}")
        if wrong:
            typer.echo(f"logs and data: {place}")
        else:
            shutil.rmtree(place)
            typer.echo(f"a production begun by {commit} is ended by this code")
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(upgrade)
