"""A workflow of CWL, dropped into the folder, computes pi on the whole of DIRAC.

Its tools stand in a folder below. Each job runs the site's ``cwltool``; one fails on the way, its
files are taken up again, and the last ones are flushed.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from tests.contract.systems import OnDirac
from tests.e2e.site import Site

pytestmark = pytest.mark.soak

PI = Path(__file__).parents[2] / "cwl" / "pi"
RUN = "cwl"
SEEDS = 4


@pytest.mark.timeout(1800)
def test_a_workflow_becomes_one_dataset(full_site: Site) -> None:
    site = full_site
    shutil.copytree(PI / "tools", site.productions / "tools")
    text = (PI / "pi.cwl").read_text()
    seeds = "default: [1, 2, 3, 4, 5, 6, 7]"
    assert seeds in text
    few = text.replace(seeds, f"default: {[*range(1, SEEDS + 1)]}")
    (site.productions / "pi.cwl").write_text(few)
    site.begin("pi", RUN)
    site.succeeds("pi", RUN, 900)

    gateway = OnDirac(site.grid).gateway()
    [(simulate, _)] = site.rows("pi", RUN, "simulate")
    [(join, _)] = site.rows("pi", RUN, "join")
    assert gateway.snapshot([simulate])[simulate].tasks == {"Done": SEEDS}
    # the first task failed; another took up its files, and the last file was flushed
    tasks = gateway.snapshot([join])[join].tasks
    assert tasks["Failed"] == 1
    assert tasks["Done"] >= 2
    assert site.file_states(join) == ["Processed"] * SEEDS

    (lfn,) = gateway.dataset_files(f"/sim/datasets/pi_gather_{RUN}")
    found = json.loads(gateway.read_file(lfn, 65536))
    assert found["points"] == SEEDS * 20_000
    assert math.isclose(found["pi"], math.pi, rel_tol=0.01)
