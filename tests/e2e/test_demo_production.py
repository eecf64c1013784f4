"""The tutorial production, as it is in the repository, from its file to its picture."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from dirac_prodsys.core.grid.catalogue_files import list_checksum
from dirac_prodsys.core.reports.ledger.records import DatasetRecord
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from dirac_prodsys.ledger.store import Ledger, Search
from sandbox.demo.__main__ import EXAMPLE, PRODUCTIONS
from sandbox.demo.run import DemoRun
from tests.e2e.ledger_commands import asked, ledger_url
from tests.e2e.site import Site
from tests.patience import until

RUN = "demo"


def dataset_in_ledger(site: Site, name: str) -> DatasetRecord:
    """What the ledger of this Airflow holds about a dataset."""
    ledger = Ledger.at(ledger_url(site))

    def look() -> DatasetRecord | None:
        for record in ledger.find(Search(kinds=("dataset",), production="mandelbrot")):
            if isinstance(record, DatasetRecord) and record.dataset == name:
                return record
        return None

    try:
        record = until("the record of the dataset", 30, look)
    finally:
        ledger.close()
    assert record is not None
    return record


def test_one_yaml_becomes_one_dataset(site: Site, tmp_path: Path) -> None:
    file = Path(shutil.copy(PRODUCTIONS / EXAMPLE, site.productions))
    run = DemoRun(site.grid, site.stack, file, RUN)
    run.trigger(parsed_since=1.0)
    *_, look = run.looks()
    outcome = run.outcome(look, tmp_path)

    assert outcome.problems == []
    result = json.loads(json.dumps(run.result(outcome, {"run": 1.0})))
    assert (result["dag_id"], result["run_id"], result["state"]) == ("mandelbrot", RUN, "success")
    slices, merge, stitch = result["transformations"]
    assert slices["tasks"] == {"Done": 14}
    assert merge["files"] == {"Processed": 14}
    # one task failed on its first attempt, and another one took up its files
    assert merge["tasks"]["Failed"] == 1
    assert merge["tasks"]["Done"] >= 4
    assert stitch["tasks"] == {"Done": 1}
    assert {slices["status"], merge["status"], stitch["status"]} == {"Completed"}
    (dataset,) = result["datasets"]
    assert dataset["name"] == f"/sim/datasets/mandelbrot_{RUN}"
    assert (dataset["files"], dataset["frozen"]) == (1, True)
    assert set(site.tries("mandelbrot", RUN).values()) == {1}

    events = {event["uri"]: event["extra"] for event in site.rest.asset_events("mandelbrot")}
    # of the step, and of the dataset by its path
    by_step, by_path = "dirac://sim/mandelbrot/stitch", f"dirac:/{dataset['name']}"
    assert set(events) == {by_step, by_path}
    event = events[by_step]
    assert events[by_path] == event
    lfns = run.gateway.dataset_files(dataset["name"])
    sizes = [file.size for file in run.gateway.describe_files(lfns).values()]
    recorded = dataset_in_ledger(site, dataset["name"])
    assert event["dataset"] == recorded.dataset == dataset["name"]
    assert event["files"] == recorded.files == len(lfns) == 1
    assert event["bytes"] == recorded.bytes == sum(sizes) > 0
    assert event["list_checksum"] == recorded.checksum == list_checksum(lfns)
    assert event["query"] == recorded.query

    (step,) = asked(site, "history", "show", "mandelbrot")["transformations"][2:]
    assert step["storage"]["elements"] == {"DISK-A-SE": {"files": 1, "bytes": sum(sizes)}}
    assert asked(site, "history", "sweep", "mandelbrot")["drift"] == []
    assert asked(site, "datasets", "verify", dataset["name"])["datasets"][0]["holds"]

    assert outcome.picture is not None
    with Image.open(outcome.picture) as picture:
        assert picture.size == (1120, 784)
        rows = np.asarray(picture).reshape(14, -1)
    # every band has something in it
    assert (rows.std(axis=1) > 1).all()

    # behind our back
    run.gateway.services.call(CATALOGUE, "removeFile", {lfns[0]: True})
    (checked,) = asked(site, "datasets", "verify", dataset["name"], code=1)["datasets"]
    assert checked["gone"] == lfns
    (finding,) = asked(site, "history", "sweep", "mandelbrot", code=1)["drift"]
    assert (finding["subject"], finding["what"]) == (dataset["name"], "files")
    assert lfns[0] in finding["text"]
    assert asked(site, "history", "sweep", "mandelbrot", "--new")["drift"] == []
