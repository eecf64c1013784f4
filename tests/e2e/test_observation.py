"""CTAO's observation chain, unattended, with CTADIRAC's own plugins in DIRAC's TransformationAgent.

A job fails, a telescope comes late, and ``ByTelescopeChunk`` attaches files that no query finds.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from sandbox.configuration.environment import REPOSITORY
from tests.contract.systems import OnDirac
from tests.e2e.site import Site
from tests.integration.ctadirac_versions import NEWER, python_of
from tests.patience import until

pytestmark = pytest.mark.soak

EXAMPLE = REPOSITORY / "include" / "productions" / "examples" / "w11_observation.yaml"
PROGRAM = Path(__file__).with_name("observation_program.py")
NAME, RUN, OBSERVATION = "w11_observation", "one", 31007


def text(folder: Path) -> str:
    """The example, of this site's VO and with this site's program; a person begins its run."""
    found = EXAMPLE.read_text().replace("vo: ctao", "vo: sim").replace("/ctao/", "/sim/")
    found = re.sub(r"(?ms)^schedule:.*?(?=^parameters:)", "", found)
    found = found.replace("executable: observation", f"executable: {sys.executable}, cpu_time: 600")
    return found.replace('arguments: "', f'arguments: "{PROGRAM} {folder} ')


def taken(system: OnDirac, kind: str, telescope: int) -> None:
    """A telescope writes a file of raw data."""
    system.register(
        f"/sim/raw/{OBSERVATION}/{kind}_ob{OBSERVATION}_tel{telescope:03d}_chunk001.fits",
        {
            "data__level": "DL0",
            "data__division": "Event",
            "data__association": "Telescope",
            "data__type": kind,
            "instance__obs_id": OBSERVATION,
            "instance__ae_id": telescope,
            "instance__chunk_id": 1,
        },
    )


@pytest.mark.parametrize("version", NEWER)
def test_an_observation_ends_with_its_dataset(site: Site, tmp_path: Path, version: str) -> None:
    python_of(version)  # the agent loads the plugins from there
    system = OnDirac(site.grid)
    gateway = system.gateway()
    for telescope in (1, 2, 3):
        taken(system, "Calibration", telescope)
    for telescope in (1, 2):
        taken(system, "AirShower", telescope)
    (site.productions / f"{NAME}.yaml").write_text(text(tmp_path))
    site.known(NAME, "prepare.create.merge")
    site.rest.trigger(NAME, RUN, {"observation": OBSERVATION})

    until("a job on events fails", 240, (tmp_path / "failed").exists, each=0.5)
    taken(system, "AirShower", 3)
    (tmp_path / "late").touch()
    site.succeeds(NAME, RUN, seconds=300)

    numbers = {step: site.rows(NAME, RUN, step)[0][0] for step in ("calibrate", "events", "merge")}
    seen = gateway.snapshot(list(numbers.values()))
    assert {str(one.status) for one in seen.values()} == {"Completed"}
    assert seen[numbers["calibrate"]].files == {"Processed": 3}
    # three of events, and the three of calibration that the plugin attached itself
    assert seen[numbers["events"]].files == {"Processed": 6}
    tasks = seen[numbers["events"]].tasks
    assert (tasks["Done"], tasks["Failed"]) == (3, 1)
    assert seen[numbers["merge"]].files == {"Processed": 3}
    assert seen[numbers["merge"]].tasks == {"Done": 1}
    dataset = gateway.find_dataset(f"/sim/datasets/observation_{OBSERVATION}_{RUN}")
    assert dataset is not None
    assert (dataset.files, dataset.frozen) == (1, True)
