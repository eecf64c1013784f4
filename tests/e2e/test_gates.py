"""A production that waits for people, for a file and for a number, on a real grid and Airflow."""

from __future__ import annotations

import pytest

from dirac_prodsys.errors import GatewayDenied
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from sandbox.airflow.rest import AirflowRest
from tests.contract.systems import OnDirac
from tests.e2e.asking import QUALITY, answer, making, question
from tests.e2e.site import Site
from tests.patience import until

NAME = "gates_e2e"
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
    site.known(NAME, "prepare.approve", "apply.wait_for", "apply.approve")
    return site


def log_of(site: Site, run: str, task: str) -> str:
    return str(site.rest.get(f"dags/{NAME}/dagRuns/{run}/taskInstances/{task}/logs/1"))


def test_people_a_file_and_a_number_are_waited_for(known: Site) -> None:
    site, run, grid = known, "good", OnDirac(known.grid)
    site.rest.trigger(NAME, run)
    asked = question(site, run, "prepare.approve")
    assert asked["subject"] == "Run good {{ ds }}?"
    assert "`admin` asked for this run" in asked["body"]
    assert "| `train` |" in asked["body"]
    assert site.rows(NAME, run, "train") == []

    user, password = site.stack.viewer_login
    viewer = AirflowRest(site.rest.url, user, password)
    with viewer, pytest.raises(GatewayDenied, match="403"):
        answer(viewer, NAME, run, "prepare.approve", "Approve")
    answer(site.rest, NAME, run, "prepare.approve", "Approve")

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
    answer(site.rest, NAME, run, "apply.approve", "Approve")
    site.succeeds(NAME, run, seconds=240)
    assert set(site.tries(NAME, run).values()) == {1}


def test_a_refusal_fails_the_run_and_leaves_nothing(known: Site) -> None:
    site, run = known, "refused"
    site.rest.trigger(NAME, run)
    question(site, run, "prepare.approve")
    answer(site.rest, NAME, run, "prepare.approve", "Reject")
    assert site.ended(NAME, run, 180)["state"] == "failed"
    states = site.states(NAME, run)
    assert states["prepare.approve"] == "failed"
    assert states["prepare.create.train"] == "upstream_failed"
    assert "rejected by admin" in log_of(site, run, "prepare.approve")
    assert site.rows(NAME, run, "train") == []


def test_the_dataset_of_another_production_is_waited_for(site: Site) -> None:
    first, second, run = "first_of_two", "second_of_two", "both"
    site.drop(first, making(first) + f"  dataset: {{name: /sim/e2e/datasets/{first}}}\n")
    gate = f"  wait_for: [{{production: {first}, step: make, within: 1}}]\n"
    site.drop(second, site.quick("use").replace("  tasks: 1\n", f"  tasks: 1\n{gate}"))
    site.known(first)
    site.begin(second, run)
    site.waiting(second, run, "use.wait_for", seconds=180)
    assert [status for _, status in site.rows(second, run, "use")] == ["New"]
    site.begin(first, run)
    site.succeeds(first, run, seconds=240)
    site.succeeds(second, run, seconds=240)
    assert [status for _, status in site.rows(second, run, "use")] == ["Completed"]
