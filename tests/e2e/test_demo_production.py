"""The tutorial production, as it is in the repository, from its file to its picture."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from sandbox.demo.__main__ import EXAMPLE, PRODUCTIONS
from sandbox.demo.run import DemoRun
from tests.e2e.site import Site

RUN = "demo"


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

    (event,) = site.rest.get("assets/events", source_dag_id="mandelbrot")["asset_events"]
    assert event["uri"] == "dirac://sim/mandelbrot/stitch"
    assert event["extra"]["dataset"] == dataset["name"]

    assert outcome.picture is not None
    with Image.open(outcome.picture) as picture:
        assert picture.size == (1120, 784)
        rows = np.asarray(picture).reshape(14, -1)
    # every band has something in it
    assert (rows.std(axis=1) > 1).all()
