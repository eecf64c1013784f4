"""What begins runs without a person, by Airflow's own scheduler and triggerer, on a real grid."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.naming import run_tag
from sandbox.airflow.rest import FINAL
from tests.contract.systems import OnDirac
from tests.e2e.acting import command
from tests.e2e.site import Site
from tests.patience import until

STEP = """\
{step}:
  {kind}
  job: {{type: script, executable: sh, arguments: "-c 'date > {step}_@{{JOB_ID}}'", cpu_time: 600}}
  output:
    directory: /sim/e2e/{name}/${{{{ run }}}}/{step}
    se: DISK-A-SE
    metadata: {{production: {name}, run: "${{{{ run }}}}", step: {step}}}
    files: ["{step}_@{{JOB_ID}}"]
  dataset: {{name: "/sim/datasets/{name}_${{{{ run }}}}"}}
"""

HEAD = """\
version: 1
production: {{name: {name}, vo: sim}}
"""

CHAINED = """\
schedule:
  assets: {{production: {before}, step: {step}}}
  parameters_from_event: {{source: dataset}}
parameters:
  source: {{type: string}}
"""

WATCHING = """\
schedule:
  files: {each: nsb, where: {step: raw_e2e}, look_every: 0.05}
  catchup: true
  parameters_from_event: {light: nsb}
parameters:
  light: {type: int}
"""


def drop(site: Site, name: str, begins: str, step: str, kind: str) -> None:
    """Put a production of one step into the folder."""
    made = STEP.format(name=name, step=step, kind=kind)
    indented = "".join(f"  {line}\n" for line in made.splitlines())
    text = f"{HEAD.format(name=name)}{begins}steps:\n{indented}"
    (site.productions / f"{name}.yaml").write_text(text)


def event_runs(site: Site, name: str, number: int) -> list[str]:
    """The runs that events began, when there are so many and all have ended."""

    def look() -> list[str] | None:
        runs = [run for run in site.rest.run_ids(name) if run.startswith("event-")]
        states = [site.rest.run(name, run)["state"] for run in runs]
        return runs if len(runs) >= number and set(states) <= FINAL else None

    found = until(f"{number} runs of {name}", 300, look, each=1.0)
    assert found is not None
    assert len(found) == number
    for run in found:
        assert site.rest.run(name, run)["state"] == "success", site.states(name, run)
    return found


def taken(site: Site, name: str, run: str, step: str) -> list[str]:
    """The files that the transformation of a step has taken."""
    ((number, status),) = site.rows(name, run, step)
    assert status == "Completed"
    return site.files(number)


@pytest.mark.soak
def test_three_productions_run_from_one_trigger_to_the_last_dataset(site: Site) -> None:
    merging = 'type: Merging\n  group_size: 2\n  input: {dataset: "${{ parameters.source }}"}'
    drop(site, "chain1", "", "make", "type: MCSimulation\n  tasks: 2")
    for name, before, step in (("chain2", "chain1", "make"), ("chain3", "chain2", "merge")):
        drop(site, name, CHAINED.format(before=before, step=step), "merge", merging)
    for name in ("chain2", "chain3"):
        site.known(name)
    site.begin("chain1", "night-7")
    site.succeeds("chain1", "night-7", 300)
    (second,) = event_runs(site, "chain2", 1)
    (third,) = event_runs(site, "chain3", 1)
    assert site.rest.run("chain3", third)["conf"] == {"source": f"/sim/datasets/chain2_{second}"}
    assert len(taken(site, "chain2", second, "merge")) == 2
    assert taken(site, "chain3", third, "merge") == [
        f"/sim/e2e/chain2/{run_tag(second)}/merge/merge_00000001"
    ]
    made = OnDirac(site.grid).gateway().find_dataset(f"/sim/datasets/chain3_{third}")
    assert made is not None
    assert (made.files, made.frozen) == (1, True)


def test_new_files_begin_runs_and_later_ones_are_taken_by_reopening(site: Site) -> None:
    system, name = OnDirac(site.grid), "watching"
    gateway = system.gateway()
    gateway.prepare_directories([DirectorySpec(path="/sim/e2e/raw", metadata={"step": "raw_e2e"})])
    for lfn, light in (("a", 1), ("b", 1), ("c", 5)):
        system.register(f"/sim/e2e/raw/{lfn}", {"nsb": light})
    # the quotes are those of a placeholder in a mapping
    kind = (
        "type: Merging\n  group_size: 5\n"
        '  input: {where: {step: raw_e2e, nsb: "${{ parameters.light }}"}}'
    )
    drop(site, name, WATCHING, "calibrate", kind)
    site.known(name)
    runs = {site.rest.run(name, run)["conf"]["light"]: run for run in event_runs(site, name, 2)}
    assert sorted(runs) == [1, 5]
    assert taken(site, name, runs[1], "calibrate") == ["/sim/e2e/raw/a", "/sim/e2e/raw/b"]
    assert taken(site, name, runs[5], "calibrate") == ["/sim/e2e/raw/c"]

    # its run is complete, and its value taken: a late file begins nothing
    system.register("/sim/e2e/raw/late", {"nsb": 1})
    done = command(site, "reopen", name, "--run", runs[1], "--preview", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["preview"]["rows"]
    assert (row["answer"], row["files"]) == ("act", 1)
    later = f"{runs[1]}.g2"
    done = command(site, "reopen", name, "--run", runs[1], "--reason", "a late file", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    # twice is once, whether the run is there already, or its transformation, too
    command(site, "reopen", name, "--run", runs[1], "--yes")
    site.succeeds(name, later, 300)
    assert taken(site, name, later, "calibrate") == ["/sim/e2e/raw/late"]
    first, second = (
        gateway.find_dataset(f"/sim/datasets/{name}_{runs[1]}{version}") for version in ("", "_v2")
    )
    assert first is not None
    assert second is not None
    assert (first.files, second.files) == (1, 2)
    assert f"run={later}" in second.annotation
    done = command(site, "reopen", name, "--run", runs[1], "--yes", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["outcome"]["results"]
    assert result["word"] == "left"
    assert sorted(run for run in site.rest.run_ids(name) if ".g" in run) == [later]
