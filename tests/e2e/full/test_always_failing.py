"""Jobs that always fail, on the whole of DIRAC: its file monitoring takes their files back itself.

One step makes a task of every file as soon as it is there, one needs a flush for each task. Neither
costs more jobs than its policy allows.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.naming import transformation_name
from tests.contract.systems import Gateway, OnDirac
from tests.e2e.site import Site

pytestmark = pytest.mark.soak

NAME, RUN = "failing", "run"
FOLDER = f"/sim/{NAME}/stock"
MAX_RESETS = 3

PRODUCTION = f"""\
version: 1
production: {{name: {NAME}, vo: sim}}
defaults:
  policy: {{recovery: {{max_resets: {MAX_RESETS}}}}}
steps:
  alone:
    type: DataProcessing
    group_size: 1
    input: {{where: {{production: {NAME}, step: stock}}}}
    job: {{type: script, executable: "false", cpu_time: 600}}
  together:
    type: Merging
    group_size: 5
    input: {{where: {{production: {NAME}, step: stock}}}}
    job: {{type: script, executable: "false", cpu_time: 600}}
"""


def jobs_per_file(gateway: Gateway, step: str) -> Counter[str]:
    """How many jobs ran on each file, by job monitoring."""
    found = gateway.find_transformation(transformation_name(NAME, RUN, step))
    assert found is not None
    tasks = gateway.tasks(found.id)
    ran = gateway.job_states([task.job for task in tasks.values()])
    assert {state.status for state in ran.values()} == {"Failed"}
    inputs = gateway.task_inputs(found.id, sorted(tasks))
    return Counter(
        lfn for number, task in tasks.items() if task.job in ran for lfn in inputs[number]
    )


@pytest.mark.timeout(1800)
def test_a_job_that_always_fails_is_run_as_often_as_declared_and_never_more(
    full_site: Site,
) -> None:
    site, system = full_site, OnDirac(full_site.grid)
    gateway = system.gateway()
    stock = {"production": NAME, "step": "stock"}
    gateway.prepare_directories([DirectorySpec(path=FOLDER, metadata=stock)])
    for name in ("one", "two"):
        system.register(f"{FOLDER}/{name}", {})
    Path(site.productions / f"{NAME}.yaml").write_text(textwrap.dedent(PRODUCTION))
    site.begin(NAME, RUN)
    assert site.ended(NAME, RUN, 1200)["state"] == "failed"
    states = site.states(NAME, RUN)
    for step in ("alone", "together"):
        ran = jobs_per_file(gateway, step)
        assert ran == {f"{FOLDER}/{name}": 1 + MAX_RESETS for name in ("one", "two")}, step
        found = gateway.find_transformation(transformation_name(NAME, RUN, step))
        assert found is not None
        assert site.file_states(found.id) == ["MaxReset", "MaxReset"]
        failed = [name for name, state in states.items() if state == "failed"]
        assert any(name.startswith(step) for name in failed), states
