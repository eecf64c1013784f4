"""Questions that Airflow puts to people, and their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.airflow.rest import AirflowRest
from tests.e2e.site import Site
from tests.patience import until

QUALITY = Path(__file__).with_name("write_quality.sh")


def pending(site: Site, run: str, task: str) -> dict[str, Any] | None:
    """Return the question of a task that nobody has answered yet."""
    query = {"response_received": False, "state": ["awaiting_input", "deferred", "running"]}
    found = site.rest.get(f"dags/~/dagRuns/{run}/hitlDetails", **query)["hitl_details"]
    return next((one for one in found if one["task_instance"]["task_id"] == task), None)


def question(site: Site, run: str, task: str, state: str = "awaiting_input") -> dict[str, Any]:
    """Wait until it is put, as a person who looks at Required Actions does."""

    def put() -> dict[str, Any] | None:
        found = pending(site, run, task)
        return None if found and found["task_instance"]["state"] == "running" else found

    found = until(f"{task} asks", 240, put, each=0.5)
    assert found is not None
    assert found["task_instance"]["state"] == state
    for _ in range(2):  # nobody answers before the scheduler has heard that the task waits
        mark = heartbeat(site)
        until("a heartbeat of the scheduler", 60, lambda: heartbeat(site) != mark)  # noqa: B023
    return found


def heartbeat(site: Site) -> str:
    return str(site.rest.health()["scheduler"]["latest_scheduler_heartbeat"])


def answer(rest: AirflowRest, name: str, run: str, task: str, option: str) -> None:
    """Answer it, as the button does."""
    path = f"dags/{name}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
    rest.call("PATCH", path, json={"chosen_options": [option], "params_input": {}})


def making(name: str) -> str:
    """A step of one task, which leaves a file."""
    return f"""\
make:
  type: MCSimulation
  tasks: 1
  job: {{type: script, executable: sh, arguments: "{QUALITY}", cpu_time: 600}}
  output:
    directory: /sim/e2e/{name}/${{{{ run }}}}
    se: DISK-A-SE
    metadata: {{production: {name}, run: "${{{{ run }}}}"}}
    files: [quality.json]
"""
