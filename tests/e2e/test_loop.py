"""A loop on a real grid and Airflow: the second pass is good enough, and its files are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.site import Site

NAME = "loop_e2e"
QUALITY = Path(__file__).with_name("write_quality.sh")

TEXT = f"""\
version: 1
production: {{name: {NAME}, vo: sim}}
loops:
  tune:
    steps: [train]
    until: {{file: "/sim/e2e/{NAME}/${{{{ run }}}}/${{{{ pass }}}}/quality.json", when: auc >= 0.8}}
    at_most: 3
steps:
  train:
    type: MCSimulation
    tasks: 1
    job: {{type: script, executable: sh, arguments: "{QUALITY} ${{{{ pass }}}}", cpu_time: 600}}
    output:
      directory: /sim/e2e/{NAME}/${{{{ run }}}}/${{{{ pass }}}}
      se: DISK-A-SE
      metadata: {{production: {NAME}, run: "${{{{ run }}}}", step: "train-${{{{ pass }}}}"}}
      files: [quality.json]
  apply:
    type: Merging
    group_size: 1
    input: {{from: train}}
    job: {{type: script, executable: "true", cpu_time: 600}}
"""


@pytest.mark.soak
def test_a_loop_runs_until_its_number_is_good_enough(site: Site) -> None:
    (site.productions / f"{NAME}.yaml").write_text(TEXT)
    site.known(NAME, "tune.done", "train__3.create", "apply.create")
    site.begin(NAME, "run")
    site.succeeds(NAME, "run", seconds=600)
    assert site.rest.xcom(NAME, "run", "tune.done") == {"last": 2, "met": True}
    for step in ("train.1", "train.2", "apply"):
        assert [status for _, status in site.rows(NAME, "run", step)] == ["Completed"]
    assert site.rows(NAME, "run", "train.3") == []
    states = site.states(NAME, "run")
    assert (states["tune.pass_3.begin"], states["train__3.create"]) == ("skipped", "skipped")
    ((number, _),) = site.rows(NAME, "run", "apply")
    assert site.files(number) == [f"/sim/e2e/{NAME}/run/2/quality.json"]
