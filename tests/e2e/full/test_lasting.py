"""What a production leaves behind outlives DIRAC's archive and Airflow's runs."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from dirac_prodsys.cli.actions.airflow_rest import run_path
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from sandbox.grid import programs
from tests.contract.systems import OnDirac
from tests.e2e.ledger_commands import asked
from tests.e2e.site import Site
from tests.integration.grid_administrator import GridAdministrator
from tests.patience import until

pytestmark = pytest.mark.soak

NAME, RUN, CAMPAIGN = "lasting", "kept", "lastingness"
DATASET = f"/sim/datasets/{NAME}_{RUN}"
STEPS = ("make", "merge")
EVENTS = 500
CLEANING = "Transformation/TransformationCleaningAgent"
ARCHIVE_AFTER = "/Systems/Transformation/Agents/TransformationCleaningAgent/ArchiveAfter"

MAKE = """\
make:
  type: MCSimulation
  tasks: 2
  events_per_task: 500
  job: {type: script, executable: sh, arguments: "-c 'echo m > make_@{JOB_ID}.txt'", cpu_time: 600}
  output:
    directory: /sim/lasting/${{ run }}/make
    se: DISK-A-SE
    metadata: {production: lasting, run: "${{ run }}", step: make}
    files: ["make_@{JOB_ID}.txt"]
"""
MERGE = """\
merge:
  type: Merging
  group_size: 1
  input: {from: make}
  job: {type: script, executable: sh, arguments: "-c 'cat make_* > merge_@{JOB_ID}.txt'", cpu_time: 600}
  output:
    directory: /sim/lasting/${{ run }}/merge
    se: DISK-A-SE
    metadata: {production: lasting, run: "${{ run }}", step: merge}
    files: ["merge_@{JOB_ID}.txt"]
  dataset: {name: "/sim/datasets/lasting_${{ run }}"}
"""  # noqa: E501


def known(site: Site) -> dict[str, Any]:
    """What people are told of the run."""
    status = asked(site, "status", NAME)["transformations"]
    report = asked(site, "report", NAME, "--run", RUN)["transformations"]
    file = str(site.productions / f"{NAME}.yaml")
    whole = asked(site, "report", "--file", file, "--run", RUN)["steps"]
    history = asked(site, "history", "show", NAME, "--run", RUN)
    return {
        "counts": [(row["name"], row["files"], row["tasks"]) for row in status],
        "jobs": [(one["title"], one["rows"], one["causes"]) for one in report],
        "steps": [(one["step"], one["id"], one["files"], one["tasks"]) for one in whole],
        "jobs of steps": [one["jobs"]["rows"] for one in whole],
        "datasets": [one["dataset_state"] for one in whole],
        "history": {key: history[key] for key in history if key != "story"},
        "story": [one for one in history["story"] if one["kind"] != "event"],
        "runs": asked(site, "history", "list", NAME)["runs"],
        "summary": asked(site, "summary", NAME)["rows"],
        "campaign": asked(site, "summary", "--campaign", CAMPAIGN)["rows"],
    }


def archive(site: Site, numbers: list[int]) -> None:
    """Let the cleaning agent archive what is Completed, however young: for this once."""
    gateway = OnDirac(site.grid).gateway()
    before = gateway.configured_options([ARCHIVE_AFTER.rpartition("/")[0]])
    with (
        closing(GridAdministrator(site.grid)) as administrator,
        administrator.changed({ARCHIVE_AFTER: "0"}, before),
    ):
        programs.start_agents(site.grid.processes, "archiving", [CLEANING])
        try:
            until(
                "all are Archived",
                120,
                lambda: (
                    {str(one.status) for one in gateway.snapshot(numbers).values()} == {"Archived"}
                ),
                each=0.5,
            )
        finally:
            site.grid.processes.stop("archiving")


@pytest.mark.timeout(1800)
def test_history_reports_and_summary_are_whole_when_dirac_and_airflow_have_forgotten_the_run(
    full_site: Site,
) -> None:
    site = full_site
    gateway = OnDirac(site.grid).gateway()
    site.drop(NAME, MAKE, MERGE, facts=f"tags: ['campaign:{CAMPAIGN}']")
    site.begin(NAME, RUN)
    site.succeeds(NAME, RUN, 600)
    numbers = [int(site.rows(NAME, RUN, step)[0][0]) for step in STEPS]

    before = known(site)
    make, merge = before["history"]["transformations"]
    assert [each["counts"]["status"] for each in (make, merge)] == ["Completed"] * 2
    assert (make["step"]["target"], merge["step"]["target"]) == (2 * EVENTS, 2 * EVENTS)
    for step in (make, merge):
        assert step["storage"]["elements"]["DISK-A-SE"]["files"] == 2
        assert step["jobs"]["rows"][0]["cpu_seconds"] >= 0
        assert step["jobs"]["rows"][0]["wall_seconds"] > 0
    (row,) = before["summary"]
    assert (row["files"], row["events"], row["target"]) == ([2], [2 * EVENTS], 2 * EVENTS)
    published = site.stack.home / "summaries"
    for name in (f"production-{NAME}", f"campaign-{CAMPAIGN}"):
        assert json.loads((published / f"{name}.json").read_text())["rows"] == before["summary"]
        for end in ("md", "html"):
            assert DATASET in (published / f"{name}.{end}").read_text()

    archive(site, numbers)
    forgotten = gateway.snapshot(numbers)
    assert [(dict(one.files), dict(one.tasks)) for one in forgotten.values()] == [({}, {})] * 2
    site.rest.call("DELETE", run_path(NAME, RUN))
    with pytest.raises(ProdsysError):
        site.rest.run(NAME, RUN)

    after = known(site)
    assert {key for key in before if after[key] != before[key]} == set()

    swept = asked(site, "history", "sweep", NAME)
    assert (swept["drift"], swept["compared"]) == ([], {"transformations": 2, "datasets": 1})
    gone = gateway.dataset_files(DATASET)[0]
    gateway.services.call(CATALOGUE, "removeFile", {gone: True})
    (checked,) = asked(site, "datasets", "verify", DATASET, code=1)["datasets"]
    assert checked["gone"] == [gone]
    (finding,) = asked(site, "history", "sweep", NAME, code=1)["drift"]
    assert (finding["subject"], finding["what"]) == (DATASET, "files")
    assert gone in finding["text"]
