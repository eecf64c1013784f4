"""The contract of a step with plugins of the site: CTADIRAC's own in DIRAC's TransformationAgent.

The in-memory grid has stand-ins for them.
"""

from __future__ import annotations

import zlib

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.records import ComparedFiles
from tests.contract.systems import Gateway, OnDirac, System, spec, unique
from tests.integration.ctadirac_versions import NEWER, python_of

#: the plugins of a grid of DIRAC 9.0 read their parameters in quotes
pytestmark = pytest.mark.dirac_91

STATES = ("Unused", "Assigned", "Processed")


class Observation:
    """Files of telescopes, and of their calibration, which is in no step's query."""

    def __init__(self, system: System, gateway: Gateway) -> None:
        self.system, self.gateway, self.mark = system, gateway, unique()
        self.number = zlib.crc32(self.mark.encode()) % 10**6
        self.folder = f"/sim/contract/{self.mark}"
        self.query = MetaQuery.parse({"run": self.mark})
        gateway.prepare_directories(
            [
                DirectorySpec(path=f"{self.folder}/raw", metadata={"run": self.mark}),
                DirectorySpec(path=f"{self.folder}/calibration", metadata={"run": "none"}),
            ]
        )

    def taken(self, telescope: int, chunk: int, part: int = 1) -> str:
        """A file of raw data."""
        lfn = f"{self.folder}/raw/tel{telescope}_chunk{chunk}_{part}"
        self.system.register(
            lfn,
            {
                "instance__obs_id": self.number,
                "instance__ae_id": telescope,
                "instance__chunk_id": chunk,
            },
        )
        return lfn

    def calibrated(self, telescope: int) -> str:
        """A file of calibration."""
        lfn = f"{self.folder}/calibration/tel{telescope}"
        self.system.register(
            lfn,
            {
                "curation__release": "R1",
                "data__level": "DL1",
                "data__division": "Monitoring",
                "data__association": "Telescope",
                "data__type": "Calibration",
                "instance__obs_id": self.number,
                "instance__ae_id": telescope,
            },
        )
        return lfn

    def processed(self, plugin: str, files: int, **parameters: str) -> tuple[int, list[list[str]]]:
        """A transformation, when it has processed so many files; and the files of its tasks."""
        asked = spec(
            f"{self.mark}{plugin}",
            type="DataReprocessing",
            plugin=plugin,
            group_size=1,
            input_query=self.query,
            parameters=parameters,
        )
        made = self.gateway.create_transformation(asked).id
        self.gateway.start_transformation(made)
        self.system.until(
            lambda: self.gateway.snapshot([made])[made].files.get("Processed") == files
        )
        self.system.cycles(3)
        tasks: dict[int, list[str]] = {}
        for file in self.gateway.attached_files(made, STATES):
            if file.task:
                tasks.setdefault(file.task, []).append(file.lfn)
        return made, sorted(sorted(lfns) for lfns in tasks.values())


@pytest.fixture(params=NEWER)
def observation(system: System, gateway: Gateway, request: pytest.FixtureRequest) -> Observation:
    """An observation without files."""
    if isinstance(system, OnDirac):
        python_of(request.param)  # the agent loads the plugins from there
    return Observation(system, gateway)


def test_a_plugin_of_the_site_groups_files_and_attaches_others(observation: Observation) -> None:
    parts = [observation.taken(1, 1, part) for part in (1, 2)]
    chunks = [observation.taken(2, chunk) for chunk in (1, 2)]
    first, second = observation.calibrated(1), observation.calibrated(2)
    made, tasks = observation.processed(
        "ByTelescopeChunk", 5, CalibpipeRelease="R1", CalibDataType="['Calibration']"
    )
    assert [first, *parts] in tasks
    # DIRAC makes no task of a file that is in one: not of the second chunk, then
    [other] = [one for one in tasks if one != [first, *parts]]
    assert other in ([second, chunks[0]], [second, chunks[1]])
    states = observation.gateway.snapshot([made])[made].files
    assert states == {"Processed": 5, "Unused": 1}
    assert observation.gateway.compare_files(made, observation.query) == ComparedFiles(
        0, {"Processed": 2}
    )


def test_all_files_are_one_task_and_those_of_a_chunk_are(observation: Observation) -> None:
    first, second = ([observation.taken(t, chunk) for t in (1, 2)] for chunk in (1, 2))
    assert observation.processed("GroupAll", 4)[1] == [sorted([*first, *second])]
    assert observation.processed("MergeByTelescope", 4)[1] == [first, second]
