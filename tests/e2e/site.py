"""A whole site for end-to-end tests: a real grid, a real Airflow, and a folder to drop files into.

Jobs of the productions made here end when the test opens the gate of their run, so that a test
decides how long a transformation waits.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import MySQLdb
import pytest

from dirac_prodsys.cli.actions.airflow_rest import run_path
from dirac_prodsys.core.naming import run_tag, transformation_name
from sandbox import Grid
from sandbox.airflow.rest import FINAL, AirflowRest
from sandbox.airflow.stack import AirflowStack
from sandbox.errors import SandboxError
from tests.metric_receivers import StatsD
from tests.patience import until

WAIT_FOR = Path(__file__).parent / "wait_for.sh"

#: a site's file that limits nothing
UNLIMITED = "version: 1\n"


@dataclass(frozen=True)
class Site:
    """Everything that a user and a saboteur have in their hands.

    :param productions: the folder that Airflow's bundle looks into.
    :param gates: a file here, named like a production's run, lets the jobs of that run end.
    :param site_file: what the site allows; as a rule, all.
    :param received: the metrics that Airflow has sent.
    """

    grid: Grid
    stack: AirflowStack
    productions: Path
    gates: Path
    site_file: Path | None = None
    received: StatsD = field(default_factory=StatsD)

    @property
    def rest(self) -> AirflowRest:
        """Airflow's REST API."""
        return self.stack.rest

    # -- the user -----------------------------------------------------------------------------

    def drop(self, name: str, *steps: str, facts: str = "") -> Path:
        """Write ``NAME.yaml`` with the given steps; ``facts`` are the production's."""
        head = f"version: 1\nproduction: {{name: {name}, vo: sim, {facts}}}\nsteps:\n"
        path = self.productions / f"{name}.yaml"
        part = path.with_suffix(".part")
        part.write_text(head + "".join(textwrap.indent(step, "  ") for step in steps))
        part.replace(path)
        return path

    def gated(self, step: str) -> str:
        """A step of one task, which waits for the gate of its run."""
        return textwrap.dedent(f"""\
            {step}:
              type: MCSimulation
              tasks: 1
              job:
                type: script
                executable: sh
                arguments: "{WAIT_FOR} {self.gates}/${{{{ production }}}}__${{{{ run }}}}"
                cpu_time: 600
            """)

    def quick(self, step: str) -> str:
        """A step of one task that ends at once."""
        return textwrap.dedent(f"""\
            {step}:
              type: MCSimulation
              tasks: 1
              job: {{type: script, executable: "true", cpu_time: 600}}
              output:
                directory: /sim/e2e/${{{{ production }}}}/${{{{ run }}}}/{step}
                se: DISK-A-SE
                metadata: {{production: "${{{{ production }}}}", run: "${{{{ run }}}}"}}
            """)

    def open_gate(self, name: str, run_id: str) -> None:
        """Let the jobs of a production's run end."""
        (self.gates / f"{name}__{run_tag(run_id)}").touch()

    def open_all_gates(self) -> None:
        """Let all jobs end, of whatever run: two run at once, and keep others from running."""
        for path in self.productions.glob("*.yaml"):
            (self.gates / path.stem).touch()

    def known(self, name: str, *task_ids: str, seconds: float = 60) -> None:
        """Wait until Airflow knows the DAG, with these tasks."""

        def look() -> bool:
            return self.rest.knows(name) and set(task_ids) <= self.rest.tasks(name)

        until(f"DAG {name} with {task_ids}", seconds, look, each=0.25)

    def mark_run(self, name: str, run_id: str, state: str) -> None:
        """Mark a whole run ``failed`` or ``success``, as a person does."""
        self.rest.call("PATCH", run_path(name, run_id), json={"state": state})

    def mark_task(self, name: str, run_id: str, task: str, state: str) -> None:
        """Mark a task ``failed``, ``success`` or ``skipped``."""
        path = f"{run_path(name, run_id)}/taskInstances/{task}"
        self.rest.call("PATCH", path, json={"new_state": state})

    def clear(self, name: str, run_id: str, *tasks: str, downstream: bool = False) -> None:
        """Clear tasks of a run, which continues."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(tasks),
            "include_downstream": downstream,
            "only_failed": False,
        }
        self.rest.call("POST", f"dags/{name}/clearTaskInstances", json=body)

    def begin(self, name: str, run_id: str) -> None:
        """Start a run as a user does."""
        self.known(name)
        self.rest.trigger(name, run_id)

    # -- looking ------------------------------------------------------------------------------

    def states(self, name: str, run_id: str) -> dict[str, str | None]:
        """Task -> state."""
        tasks = self.rest.task_instances(name, run_id)
        return {task: item["state"] for task, item in tasks.items()}

    def tries(self, name: str, run_id: str) -> dict[str, int]:
        """Task -> number of its attempt."""
        tasks = self.rest.task_instances(name, run_id)
        return {task: item["try_number"] for task, item in tasks.items()}

    def waiting(self, name: str, run_id: str, *task_ids: str, seconds: float = 120) -> None:
        """Wait until these tasks are deferred."""

        def look() -> bool:
            states = self.states(name, run_id)
            return all(states[task] == "deferred" for task in task_ids)

        until(f"{name} {run_id}: {task_ids} deferred", seconds, look, each=0.3)

    def ended(self, name: str, run_id: str, seconds: float) -> dict[str, Any]:
        """Wait for the run's end, whatever it is."""

        def look() -> dict[str, Any] | None:
            run = self.rest.run(name, run_id)
            return run if run["state"] in FINAL else None

        try:
            found = until(f"the end of {name} {run_id}", seconds, look, each=0.5)
        except SandboxError as error:
            pytest.fail(f"{error}: {self.states(name, run_id)}")
        assert found is not None
        return found

    def succeeds(self, name: str, run_id: str, seconds: float = 120) -> None:
        """Wait for the run's end, which must be a success."""
        assert self.ended(name, run_id, seconds)["state"] == "success", self.states(name, run_id)

    def rows(self, name: str, run_id: str, step: str) -> list[tuple[Any, ...]]:
        """ID and status of every transformation of that step, straight from DIRAC's database."""
        with closing(self.database()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT TransformationID, Status FROM Transformations"
                " WHERE TransformationName = %s",
                (transformation_name(name, run_tag(run_id), step),),
            )
            return list(cursor.fetchall())

    def queries(self, name: str, run_id: str, step: str) -> int:
        """Number of conditions that DIRAC has stored for the transformations of that step."""
        with closing(self.database()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT COUNT(*) FROM TransformationMetaQueries JOIN Transformations"
                " USING (TransformationID) WHERE TransformationName = %s",
                (transformation_name(name, run_tag(run_id), step),),
            )
            (number,) = cursor.fetchone()
            return int(number)

    def files(self, transformation: int) -> list[str]:
        """The files that a transformation has taken, straight from DIRAC's database."""
        with closing(self.database()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT LFN FROM TransformationFiles JOIN DataFiles USING (FileID)"
                " WHERE TransformationID = %s ORDER BY LFN",
                (transformation,),
            )
            return [str(lfn) for (lfn,) in cursor.fetchall()]

    def file_states(self, transformation: int) -> list[str]:
        """The states of the files that a transformation has taken."""
        with closing(self.database()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT Status FROM TransformationFiles WHERE TransformationID = %s",
                (transformation,),
            )
            return [str(status) for (status,) in cursor.fetchall()]

    # -- the saboteur -------------------------------------------------------------------------

    def database(self) -> MySQLdb.Connection:
        """A connection to the Transformation System's database, as its owner."""
        connection = MySQLdb.connect(
            unix_socket=str(self.grid.state.socket), user="root", db="TransformationDB"
        )
        connection.autocommit(True)
        return connection

    @contextmanager
    def airflow_mute(self) -> Iterator[None]:
        """Freeze the API server: no task can report anything, so none can end."""
        server = self.stack.processes.find("api-server")
        assert server is not None
        frozen = [server, *server.children(recursive=True)]
        for process in frozen:
            process.suspend()
        try:
            yield
        finally:
            for process in frozen:
                process.resume()

    @contextmanager
    def creation_held(self) -> Iterator[None]:
        """Hold every addTransformation half way: the row is written, the meta queries are not."""
        with closing(self.database()) as connection:
            cursor = connection.cursor()
            # a lock on every row and on every gap between them: nothing can be inserted
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM TransformationMetaQueries FOR UPDATE")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
