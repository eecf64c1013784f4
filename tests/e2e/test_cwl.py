"""A workflow of CWL, dropped into the folder, computes pi on a grid, one job failing on the way.

Its tools stand in a folder below. Each job runs the site's ``cwltool``.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from tests.contract.systems import OnDirac
from tests.e2e.site import Site

PI = Path(__file__).parents[1] / "cwl" / "pi"
RUN = "cwl"


@pytest.mark.timeout(900)
def test_a_workflow_becomes_one_dataset(site: Site) -> None:
    shutil.copytree(PI / "tools", site.productions / "tools")
    shutil.copy(PI / "pi.cwl", site.productions)
    site.begin("pi", RUN)
    site.succeeds("pi", RUN, 600)

    gateway = OnDirac(site.grid).gateway()
    [(simulate, _)] = site.rows("pi", RUN, "simulate")
    [(join, _)] = site.rows("pi", RUN, "join")
    assert gateway.snapshot([simulate])[simulate].tasks == {"Done": 7}
    # the first task failed; others took up its files, and the last ones were flushed
    tasks = gateway.snapshot([join])[join].tasks
    assert tasks["Failed"] == 1
    assert tasks["Done"] >= 3
    assert site.file_states(join) == ["Processed"] * 7

    (lfn,) = gateway.dataset_files(f"/sim/datasets/pi_gather_{RUN}")
    found = json.loads(gateway.read_file(lfn, 65536))
    assert found["points"] == 7 * 20_000
    assert math.isclose(found["pi"], math.pi, rel_tol=0.01)
