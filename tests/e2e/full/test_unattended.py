"""A production that nobody watches, on the whole of DIRAC, while everything goes wrong.

A fifth of the jobs fail, one site never works, a file vanishes, the agents are off for a while, a
file comes late. It reaches its dataset, says what went wrong, and no file is processed twice.
"""

from __future__ import annotations

import re
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from dirac_prodsys.core.naming import transformation_name
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import OnDirac
from tests.e2e.site import Site
from tests.patience import until

NAME, RUN = "unattended", "run"
WORKLOAD = Path(__file__).with_name("workload.py")
BAD_SITE = "SIM.SiteB.org"
FOLDER = f"/sim/{NAME}/{RUN}"
MADE = 6
STALL_HOURS = 0.01
#: files that are all Unused when their inputs are final are flushed first: then the flush is late
_STALL = re.compile(r"(nothing moved for \d+ s: [^\"]*Agent|the TransformationAgent seems down: )")

PRODUCTION = """\
version: 1
production: {{name: {name}, vo: sim}}
common:
  directory: /sim/{name}/${{{{ run }}}}
  se: DISK-A-SE
  metadata: {{production: {name}, run: "${{{{ run }}}}", step: "${{{{ step }}}}"}}
defaults:
  policy:
    stall_after: {stall}
    recovery: {{max_resets: 5, errors: [{{then: retry_elsewhere, site: {bad}}}]}}
steps:
  simulate:
    type: MCSimulation
    tasks: {made}
    policy:
      extend: {{up_to: 4.0, chunk: 4, max_failed: 0.9}}
      recovery: {{errors: [{{then: retry_elsewhere, site: {bad}}}]}}
    job: {simulate}
    output: {{files: ["simulate_@{{JOB_ID}}.txt"]}}
  copy:
    type: Replication
    group_size: 4
    plugin_parameters: {{SourceSE: DISK-A-SE, TargetSE: DISK-B-SE}}
    input: {{from: simulate}}
  process:
    type: DataProcessing
    start: on_complete
    input: {{from: copy}}
    policy: {{max_problematic: 1}}
    job: {process}
    output: {{files: ["process_@{{JOB_ID}}.txt"]}}
  merge:
    type: Merging
    group_size: 4  # 5 to 7 files come: some are always left for the flush
    input: {{from: process}}
    job: {merge}
    output: {{files: ["merge_@{{JOB_ID}}.txt"]}}
    dataset: {{name: "/sim/datasets/{name}_${{{{ run }}}}", min_files: 2}}
"""


def job(step: str, *, share: float = 0.2) -> str:
    arguments = f"{WORKLOAD} {step} @{{JOB_ID}} {share} {BAD_SITE}"
    return (
        f'{{type: script, executable: {sys.executable}, arguments: "{arguments}", cpu_time: 600}}'
    )


def production() -> str:
    jobs = {step: job(step) for step in ("simulate", "process", "merge")}
    return PRODUCTION.format(name=NAME, bad=BAD_SITE, made=MADE, stall=STALL_HOURS, **jobs)


class Saboteur:
    """Who makes things go wrong, and looks at what became of it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.system = OnDirac(site.grid)
        self.gateway = self.system.gateway()
        self.services = self.gateway.services

    def id(self, step: str) -> int:
        """TransformationID of a step."""
        found = self.gateway.find_transformation(transformation_name(NAME, RUN, step))
        assert found is not None
        return found.id

    def files(self, step: str) -> dict[str, int]:
        """Files of a step by their state."""
        number = self.id(step)
        return dict(self.gateway.snapshot([number])[number].files)

    def last_submitted(self) -> str:
        """The file of the task that was made last, once all are submitted; else nothing."""
        if self.gateway.find_transformation(transformation_name(NAME, RUN, "process")) is None:
            return ""
        given = self.gateway.attached_files(self.id("process"), ["Assigned"])
        jobs = [task.job for task in self.gateway.tasks(self.id("process")).values()]
        if len(given) < MADE or len(jobs) < MADE or not all(jobs):
            return ""
        return max(given, key=lambda file: file.task).lfn

    def remove(self, lfn: str) -> None:
        """Take a file from the catalogue and from the disks."""
        assert lfn in self.services.call(CATALOGUE, "removeFile", [lfn])["Successful"]
        for disk in ("DISK-A-SE", "DISK-B-SE"):
            self.path(lfn, disk).unlink(missing_ok=True)

    def register(self, lfn: str, text: str) -> None:
        """Store a file and register it."""
        self.system.register(lfn, {}, text.encode())

    def path(self, lfn: str, disk: str) -> Path:
        """Where a disk keeps a file."""
        return self.site.grid.state.storage / disk / lfn.lstrip("/")

    def found(self, step: str) -> set[str]:
        """Names of the step's files that the catalogue finds."""
        query = {"production": NAME, "run": RUN, "step": step}
        found = self.services.call(CATALOGUE, "findFilesByMetadata", query, "/")
        return {str(lfn).rsplit("/", 1)[1] for lfn in found}


def waits(site: Site) -> str:
    """The lines of the triggers of the step that stands still, in one text."""
    folder = site.stack.state.log / "tasks" / f"dag_id={NAME}" / f"run_id={RUN}"
    return "\n".join(log.read_text() for log in folder.glob("task_id=process.*/*.trigger.*.log"))


def events(site: Site, task: str) -> str:
    """What a step's report says happened, in one text."""
    return "\n".join(site.rest.xcom(NAME, RUN, task, "job_report")["events"])


@pytest.mark.timeout(1800)
def test_a_production_reaches_its_dataset_whatever_fails(full_site: Site) -> None:
    site, saboteur = full_site, Saboteur(full_site)
    (site.productions / f"{NAME}.yaml").write_text(textwrap.dedent(production()))
    site.begin(NAME, RUN)
    began = time.monotonic()

    vanished = until("tasks for all files", 600, saboteur.last_submitted, each=0.5)
    site.grid.stop_agents()
    saboteur.remove(vanished)
    until("the log names who stands still", 600, lambda: _STALL.search(waits(site)), each=0.5)
    site.grid.start_agents()
    until("the flush", 600, lambda: site.states(NAME, RUN)["merge.flush"] == "success", each=0.5)
    # the flush has done its work, and its last job is still at work
    until("tasks for the rest", 120, lambda: not saboteur.files("merge").get("Unused"), each=0.2)
    saboteur.register(f"{FOLDER}/process/late_00000001.txt", "late")

    site.succeeds(NAME, RUN, seconds=600)
    print(f"{time.monotonic() - began:.0f} s")

    # nothing is stranded, and nothing was processed twice
    merged = saboteur.found("merge")
    processed = saboteur.found("process")
    simulated = saboteur.found("simulate")
    # as many as fail are expected to fail again: so some more may come than were missing
    assert len(simulated) >= MADE - 1
    assert saboteur.files("process") == {"Processed": len(simulated), "MissingInFC": 1}
    assert saboteur.files("merge") == {"Processed": len(processed)}
    lines = [
        line.split(": ")
        for name in merged
        for line in saboteur.path(f"{FOLDER}/merge/{name}", "DISK-A-SE").read_text().splitlines()
    ]
    assert Counter(line[0] for line in lines) == Counter(processed)
    origins = Counter(line[1] for line in lines if line[0] != "late_00000001.txt")
    assert origins == Counter(simulated)
    assert site.rest.xcom(NAME, RUN, "merge.create_dataset")["files"] == len(merged)

    # and the reports name what went wrong
    report = site.rest.xcom(NAME, RUN, "simulate.wait_for_completion", "job_report")
    assert {cause["site"] for cause in report["causes"]} >= {BAD_SITE}
    assert "Exited With Status 1" in report["text"]
    happened = events(site, "process.wait_for_completion")
    assert vanished in happened
    assert f"avoid {BAD_SITE}" in happened
    assert _STALL.search(happened)
    assert "came after flush" in events(site, "merge.wait_for_completion")
    copied = site.rest.xcom(NAME, RUN, "copy.wait_for_completion", "job_report")
    assert copied["statuses"] == {"Done": copied["total"]}
