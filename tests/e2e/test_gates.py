"""A production that waits for people, for a file and for a number, on a real grid and Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway.services import CATALOGUE
from sandbox.airflow_rest import AirflowRest, until
from sandbox.errors import SandboxError
from tests.contract.systems import OnDirac
from tests.e2e.site import Site

NAME = "gates_e2e"
QUALITY = Path(__file__).with_name("write_quality.sh")
FOLDER = f"/sim/e2e/{NAME}"

TEXT = f"""\
version: 1
production:
  name: {NAME}
  vo: sim
  approval: {{subject: "Run ${{{{ run }}}} {{{{ ds }}}}?", approvers: [admin]}}
steps:
  train:
    type: MCSimulation
    tasks: 1
    wait_for: [{{file: "{FOLDER}/${{{{ run }}}}.h5", within: 1}}]
    job: {{type: script, executable: sh, arguments: "{QUALITY}", cpu_time: 600}}
    output:
      directory: {FOLDER}/${{{{ run }}}}/train
      se: DISK-A-SE
      metadata: {{production: {NAME}, run: "${{{{ run }}}}"}}
      files: [quality.json]
  apply:
    type: MCSimulation
    tasks: 1
    after: train
    wait_for:
      - value: {{file: "{FOLDER}/${{{{ run }}}}/train/quality.json", when: auc >= 0.8}}
    approval: {{subject: "Apply it?"}}
    job: {{type: script, executable: "true", cpu_time: 600}}
"""


@pytest.fixture(scope="module")
def known(site: Site) -> Site:
    """The production is there."""
    (site.productions / f"{NAME}.yaml").write_text(TEXT)
    site.known(NAME, "approve", "apply.wait_for", "apply.approve")
    return site


def question(site: Site, run: str, task: str, state: str = "awaiting_input") -> dict[str, Any]:
    """Wait until it is put, as a person who looks at Required Actions does."""

    def pending() -> dict[str, Any] | None:
        query = {"response_received": False, "state": ["awaiting_input", "deferred"]}
        found = site.rest.get(f"dags/~/dagRuns/{run}/hitlDetails", **query)["hitl_details"]
        return next((one for one in found if one["task_instance"]["task_id"] == task), None)

    found = until(f"{task} asks", 240, pending, each=0.5)
    assert found is not None
    assert found["task_instance"]["state"] == state
    for _ in range(2):  # nobody answers before the scheduler has heard that the task waits
        mark = heartbeat(site)
        until("a heartbeat of the scheduler", 60, lambda: heartbeat(site) != mark)  # noqa: B023
    return found


def heartbeat(site: Site) -> str:
    return str(site.rest.health()["scheduler"]["latest_scheduler_heartbeat"])


def answer(rest: AirflowRest, run: str, task: str, option: str, name: str = NAME) -> None:
    path = f"dags/{name}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
    rest.call("PATCH", path, json={"chosen_options": [option], "params_input": {}})


def log_of(site: Site, run: str, task: str) -> str:
    return str(site.rest.get(f"dags/{NAME}/dagRuns/{run}/taskInstances/{task}/logs/1"))


def test_people_a_file_and_a_number_are_waited_for(known: Site) -> None:
    site, run, grid = known, "good", OnDirac(known.grid)
    site.rest.trigger(NAME, run)
    asked = question(site, run, "approve")
    assert asked["subject"] == "Run good {{ ds }}?"
    assert f"{NAME}__good__train" in asked["body"]
    assert site.rows(NAME, run, "train") == []

    user, password = site.stack.viewer_login
    viewer = AirflowRest(site.rest.url, user, password)
    with pytest.raises(SandboxError, match="403"):
        answer(viewer, run, "approve", "Approve")
    viewer.close()
    answer(site.rest, run, "approve", "Approve")

    site.waiting(NAME, run, "train.wait_for", seconds=180)
    assert [status for _, status in site.rows(NAME, run, "train")] == ["New"]
    grid.register(f"{FOLDER}/{run}.h5", {}, b"a model")

    quality = f"{FOLDER}/{run}/train/quality.json"
    site.waiting(NAME, run, "apply.wait_for", seconds=240)
    until("0.7 is seen", 240, lambda: "auc = 0.7" in log_of(site, run, "apply.wait_for"), each=1)
    assert [status for _, status in site.rows(NAME, run, "apply")] == ["New"]
    grid.gateway().services.call(CATALOGUE, "removeFile", {quality: True})
    grid.register(quality, {}, b'{"auc": 0.9}')

    asked = question(site, run, "apply.approve")
    assert site.rest.xcom(NAME, run, "apply.wait_for").endswith("auc = 0.9")
    answer(site.rest, run, "apply.approve", "Approve")
    site.succeeds(NAME, run, seconds=240)
    assert set(site.tries(NAME, run).values()) == {1}


def test_a_refusal_fails_the_run_and_leaves_nothing(known: Site) -> None:
    site, run = known, "refused"
    site.rest.trigger(NAME, run)
    question(site, run, "approve")
    answer(site.rest, run, "approve", "Reject")
    assert site.rest.wait_for_run(NAME, run, 180)["state"] == "failed"
    states = site.states(NAME, run)
    assert (states["approve"], states["train.create"]) == ("failed", "upstream_failed")
    assert "rejected by admin" in log_of(site, run, "approve")
    assert site.rows(NAME, run, "train") == []


def test_a_manual_flush_is_asked_in_airflow_while_dirac_is_watched(site: Site) -> None:
    name, run = "manual_flush_e2e", "manual"
    metadata = f'{{production: {name}, run: "${{{{ run }}}}"}}'
    make = f"""\
make:
  type: MCSimulation
  tasks: 1
  job: {{type: script, executable: sh, arguments: "{QUALITY}", cpu_time: 600}}
  output:
    directory: /sim/e2e/{name}/${{{{ run }}}}
    se: DISK-A-SE
    metadata: {metadata}
    files: [quality.json]
"""
    merge = """\
merge:
  type: Merging
  group_size: 2
  input: {from: make}
  policy: {flush: manual}
  job: {type: script, executable: "true", cpu_time: 600}
"""
    site.drop(name, make, merge)
    site.begin(name, run)
    asked = question(site, run, "merge.process", "deferred")
    assert asked["options"] == ["Flush", "Try again", "Give up", "Wait on"]
    assert "1 of 1 files are Unused" in asked["body"]
    answer(site.rest, run, "merge.process", "Flush", name)
    site.succeeds(name, run, seconds=240)
    assert [status for _, status in site.rows(name, run, "merge")] == ["Completed"]
    assert site.tries(name, run)["merge.process"] == 1
