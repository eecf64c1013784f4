"""Runs the whole demo in one command: ``python -m sandbox.demo run``, which ``make demo`` calls.

A full grid and an Airflow are started below the state directory (or found running there). The
example production is triggered, watched and checked, and its picture is fetched.

Invariant: whatever happens in between, ``python -m sandbox.demo down`` stops all of it.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.errors import ProdsysError
from sandbox.airflow.settings import connection_to
from sandbox.airflow.stack import AirflowStack
from sandbox.configuration.environment import REPOSITORY, VENV_BIN
from sandbox.demo.next_steps import Place, next_steps, shell_environment
from sandbox.demo.run import DemoRun, Outcome
from sandbox.demo.view import Live, table
from sandbox.errors import SandboxError, raise_when_told_to_end
from sandbox.grid.grid import Grid

#: columns if the output goes to no terminal
_WIDTH = 140

PRODUCTIONS = REPOSITORY / "include" / "productions"
EXAMPLE = "mandelbrot.yaml"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The example production.",
    pretty_exceptions_show_locals=False,
)
State = Annotated[Path, typer.Option(help="Where everything is kept.")]
Profile = Annotated[str, typer.Option(help="The grid's profile: full, or light without a WMS.")]
_STATE = REPOSITORY / ".demo"


def new_console() -> Console:
    """Return the console that the demo prints to."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


class Demo:
    """A grid and an Airflow that belong together.

    :param state: directory of both, and of the results.
    """

    def __init__(self, state: Path, profile: str = "full", console: Console | None = None) -> None:
        self.state = state.resolve()
        self.console = console or new_console()
        self._start = time.monotonic()
        self.grid = Grid(self.state / "grid", profile, say=self.say)
        self.stack = AirflowStack(
            self.state / "airflow",
            PRODUCTIONS,
            {"dirac_default": connection_to(self.grid, backend="agent")},
            say=self.say,
        )

    def say(self, message: str) -> None:
        """Print one line of progress."""
        seconds = time.monotonic() - self._start
        self.console.print(f"{seconds:6.1f} s  {message}", markup=False, highlight=False)

    def up(self) -> None:
        """Start both at once, or find them running.

        :raises SandboxError: one does not start; then nothing that this call started is left
            running.
        """
        started = self.stack.launch()
        try:
            grid_started = self.grid.up()
        except BaseException:
            if started:
                self.stack.down()
            raise
        word = "started" if grid_started else "is running"
        self.say(f"DIRAC grid {word} ({self.grid.profile.name})")
        self.stack.wait_healthy()
        self.say(f"Airflow {'started' if started else 'is running'}: {self.stack.url}")

    def down(self) -> None:
        """Stop both; the data stay."""
        self.stack.down()
        self.grid.down()

    def produce(self) -> tuple[str, Outcome]:
        """Run the example production once, show it, and write ``result.json``.

        :returns: the run's ID, and how it ended.
        """
        began = time.monotonic()
        # a time on which Airflow's processes and this one agree to the second
        parsed_since = self.stack.started("dag-processor")
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
        run = DemoRun(self.grid, self.stack, PRODUCTIONS / EXAMPLE, f"demo-{stamp}")
        run.trigger(parsed_since)
        self.say(f"airflow dags trigger {run.dag_id} --run-id {run.run_id}")
        triggered = time.monotonic()
        with Live(self.console) as live:
            for look in run.looks():
                live.show(look)
        ended = time.monotonic()
        outcome = run.outcome(look, self.state / "pictures" / run.run_id)
        seconds = {
            "start": began - self._start,
            "trigger": triggered - began,
            "run": ended - triggered,
            "total": time.monotonic() - self._start,
        }
        result = json.dumps(run.result(outcome, seconds), indent=2)
        (self.state / "result.json").write_text(result + "\n")
        return run.run_id, outcome

    def report(self, outcome: Outcome) -> None:
        """Print the table, the picture, and the problems."""
        self.console.print(table(outcome))
        if outcome.picture:
            self.console.print(f"picture:  {outcome.picture}", soft_wrap=True, highlight=False)
        self.console.print(f"result:   {self.state / 'result.json'}", soft_wrap=True)
        for problem in outcome.problems:
            self.console.print(problem, style="red", soft_wrap=True, markup=False)

    def invite(self, run: str = "") -> None:
        """Print the next steps, and write the file for a shell that they name.

        :param run: tag of an existing run.
        """
        user, password = self.stack.login
        viewer, viewers_password = self.stack.viewer_login
        shell = self.state / "env.sh"
        shell.touch(mode=0o600)
        shell.write_text(
            shell_environment(self.grid.state.env_sh, VENV_BIN, self.stack.url, user, password)
        )
        usual = self.state == _STATE.resolve()
        place = Place(
            url=self.stack.url,
            users={
                user: (password, "may do everything"),
                viewer: (viewers_password, "may only look"),
            },
            passwords=_near(self.stack.passwords),
            shell=_near(shell),
            productions=_near(PRODUCTIONS),
            example=_near(PRODUCTIONS / EXAMPLE),
            stop="make down" if usual else f"python -m sandbox.demo down --state {self.state}",
        )
        self.console.print(next_steps(place, run), markup=False, highlight=False, soft_wrap=True)


def _near(path: Path) -> Path:
    """Return the path relative to here, if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextmanager
def _worded(state: Path, console: Console) -> Iterator[None]:
    """Print errors as text with the place of the logs, and set exit codes; never a traceback."""
    try:
        yield
    except (SandboxError, ProdsysError) as error:
        console.print(f"demo: {error}", style="red", markup=False, soft_wrap=True)
        console.print(f"logs: {state / 'grid' / 'log'}, {state / 'airflow' / 'logs'}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("interrupted; `make down` stops what is running", style="yellow")
        raise typer.Exit(130) from None


@app.command()
def run(
    state: State = _STATE,
    profile: Profile = "full",
    once: Annotated[bool, typer.Option(help="Stop everything at the end.")] = False,
) -> None:
    """Run the example production; exits 0 only if its dataset is complete."""
    console = new_console()
    demo = Demo(state, profile, console)
    try:
        with _worded(state, console):
            demo.up()
            run_id, outcome = demo.produce()
            demo.report(outcome)
    finally:
        if once:
            demo.down()
            demo.say("everything is stopped")
    if not once:
        demo.invite(run_tag(run_id))
    if outcome.problems or outcome.picture is None:
        raise typer.Exit(1)


@app.command()
def up(state: State = _STATE, profile: Profile = "full") -> None:
    """Start the grid and Airflow, and run nothing."""
    console = new_console()
    with _worded(state, console):
        demo = Demo(state, profile, console)
        demo.up()
        demo.invite()


@app.command()
def down(state: State = _STATE) -> None:
    """Stop whatever `run` and `up` started; the data stay."""
    if state.is_dir():
        with _worded(state, new_console()):
            Demo(state).down()


if __name__ == "__main__":
    raise_when_told_to_end()
    app()
