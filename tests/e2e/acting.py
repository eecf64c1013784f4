"""Ways to ask for an action, and looks at what it left in DIRAC's tables."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sandbox.configuration.environment import VENV_BIN
from tests.e2e.site import Site
from tests.patience import patience

DAG = "production_operations"
#: no other test opens the gates of these runs
RUN, TWICE = "acts", "acts-twice"

#: values without which an action cannot be previewed
NEEDS: dict[str, dict[str, Any]] = {
    "extend": {"tasks": 1},
    "set_group_size": {"group_size": 2.0},
    "clean": {"run": RUN},
    "delete": {"run": RUN},
}

#: columns that show what an action would leave behind
TABLES = {
    "Transformations": "*",
    "AdditionalParameters": "*",
    "TransformationLog": "TransformationID, Message",
    "TransformationFiles": "TransformationID, FileID, Status, TaskID",
    "TransformationTasks": "TransformationID, TaskID, ExternalStatus",
}


def merging(site: Site, name: str) -> list[str]:
    """Three files, merged by a hundred, flushed by hand; a gate; a step behind the gate."""
    late = site.quick("late").replace("  type: MC", "  after: hold\n  type: MC")
    return [
        _making(name, "make", "echo made > make_@{JOB_ID}.dat", "type: MCSimulation\n  tasks: 3"),
        _making(name, "merge", "cat make_* > merge_@{JOB_ID}.dat", MERGING),
        site.gated("hold"),
        late,
    ]


MERGING = "type: Merging\n  group_size: 100\n  policy: {flush: manual}\n  input: {from: make}"


def _making(name: str, step: str, does: str, kind: str) -> str:
    """A step whose jobs make a file each."""
    return f"""\
{step}:
  {kind}
  job: {{type: script, executable: sh, arguments: "-c '{does}'", cpu_time: 600}}
  output:
    directory: /sim/e2e/{name}/${{{{ run }}}}/{step}
    se: DISK-A-SE
    metadata: {{production: {name}, run: "${{{{ run }}}}", step: {step}}}
    files: ["{step}_@{{JOB_ID}}.dat"]
"""


def ask(site: Site, action: str, **conf: Any) -> str:
    """Trigger an action by REST; returns its run."""
    number = len(site.rest.run_ids(DAG))
    run = f"rest-{action}-{number}"
    site.rest.trigger(DAG, run, {"action": action, **conf})
    return run


def by_airflow(site: Site, action: str, run_id: str = "by-airflow", **conf: Any) -> str:
    """The same by Airflow's own command line."""
    text = json.dumps({"action": action, **conf})
    site.stack.command("dags", "trigger", DAG, "--run-id", run_id, "--conf", text)
    return run_id


def outcome(site: Site, run: str, *, good: bool = True) -> dict[str, str]:
    """Step → what came of it; waits for the end of the run."""
    ended = site.ended(DAG, run, 300)
    assert ended["state"] == ("success" if good else "failed"), site.states(DAG, run)
    result = site.rest.xcom(DAG, run, "act", "outcome")
    return {one["name"].split("__")[2]: one["word"] for one in result["results"]}


def command(site: Site, *arguments: str, user: tuple[str, str] | None = None) -> Any:
    """Run ``dirac-prodsys`` as a user does."""
    name, password = user or site.stack.login
    environment = {
        **os.environ,
        "DIRAC_PRODSYS_AIRFLOW": site.stack.url,
        "DIRAC_PRODSYS_AIRFLOW_USER": name,
        "DIRAC_PRODSYS_AIRFLOW_PASSWORD": password,
    }
    return subprocess.run(
        [VENV_BIN / "dirac-prodsys", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience(400),
        check=False,
    )


def words(done: Any) -> dict[str, str]:
    """Step → what came of it, of a command that ended well."""
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["outcome"]["results"]
    return {one["name"].split("__")[2]: one["word"] for one in results}


def status(site: Site, name: str, step: str) -> str:
    ((_number, word),) = site.rows(name, RUN, step)
    return str(word)


def everything(site: Site) -> dict[str, list[Any]]:
    """What DIRAC has in its tables."""
    with closing(site.database()) as connection:
        cursor = connection.cursor()
        found = {}
        for table, columns in TABLES.items():
            cursor.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2")  # noqa: S608
            found[table] = list(cursor.fetchall())
        return found


def tasks(site: Site, name: str, step: str) -> int:
    ((number, _status),) = site.rows(name, RUN, step)
    return len([1 for task in everything(site)["TransformationTasks"] if task[0] == number])


def unused(site: Site, name: str) -> int:
    ((number, _status),) = site.rows(name, RUN, "merge")
    return site.file_states(number).count("Unused")


@contextmanager
def held(site: Site, transformation: int) -> Iterator[None]:
    """Hold every change of one transformation."""
    with closing(site.database()) as connection:
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT * FROM Transformations WHERE TransformationID = %s FOR UPDATE",
            (transformation,),
        )
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
