"""CTAO's observation chain, in memory: one run for each observation, with plugins of the site.

A plugin attaches files of its own, a job of each step fails, and a telescope comes late.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from sandbox.configuration.environment import REPOSITORY
from tests.integration.dag_runs import served_dag
from tests.integration.dag_test import run_dag

EXAMPLE = REPOSITORY / "include" / "productions" / "examples" / "w11_observation.yaml"
OBSERVATION = 31007


class Observation:
    """What the telescopes and the programs of the jobs do."""

    def __init__(self, grid: MemoryGrid) -> None:
        self.grid = grid
        #: steps a job of which has failed
        self.failed: set[str] = set()

    def taken(self, kind: str, telescope: int) -> str:
        """A file of raw data."""
        lfn = f"/ctao/raw/{OBSERVATION}/{kind}_ob{OBSERVATION}_tel{telescope:03d}_chunk001.fits"
        self.grid.catalogue.register(
            lfn,
            data__level="DL0",
            data__division="Event",
            data__association="Telescope",
            data__type=kind,
            instance__obs_id=OBSERVATION,
            instance__ae_id=telescope,
            instance__chunk_id=1,
        )
        return lfn

    def ends(self, task: Task) -> bool:
        """The end of a job; whether it failed."""
        name = self.grid.transformations[task.transformation].row["TransformationName"]
        step, run = name.rsplit("__")[-1], name.rsplit("__")[-2]
        if step not in self.failed:
            self.failed.add(step)
            if step == "events":
                self.taken("AirShower", 3)
            return True
        if step != "events":
            return False
        taken = [lfn for lfn in task.lfns if "AirShower" in lfn]
        if not taken:
            return True  # a program without events
        for lfn in taken:
            known = self.grid.catalogue.metadata_of(lfn)
            made = f"/ctao/w11_observation/{run}/events/tel{known['instance__ae_id']}_{task.id}.h5"
            own = ("instance__obs_id", "instance__ae_id", "instance__chunk_id")
            self.grid.catalogue.register(
                made,
                curation__release="DataPipe-DR1",
                data__level="DL1",
                data__association="Telescope",
                data__type="AirShower",
                **{field: known[field] for field in own},
            )
        return False


@pytest.fixture
def observation(grid: MemoryGrid) -> Observation:
    """Two telescopes have been read out, and a third one is expected."""
    found = Observation(grid)
    for telescope in (1, 2, 3):
        found.taken("Calibration", telescope)
    for telescope in (1, 2):
        found.taken("AirShower", telescope)
    grid.fails = found.ends
    return found


def test_an_observation_ends_with_its_dataset_though_a_plugin_attaches_files_itself(
    observation: Observation, grid: MemoryGrid, airflow_database: Path, productions_folder: Path
) -> None:
    dag = served_dag(productions_folder, EXAMPLE.read_text())
    dag_run = run_dag(dag, run_conf={"observation": OBSERVATION})
    assert dag_run.state == "success"
    made: dict[str, Any] = {
        one.row["TransformationName"].rsplit("__")[-1]: one for one in grid.transformations.values()
    }
    assert observation.failed == set(made) == {"calibrate", "events", "merge"}
    assert {one.status for one in made.values()} == {"Completed"}
    # all that the plugin attached is processed too: the calibration of each telescope
    files = made["events"].files
    assert sorted(lfn for lfn in files if "calibration" in lfn and "AirShower" not in lfn) == [
        f"/ctao/w11_observation/{made['events'].row['TransformationName'].rsplit('__')[-2]}"
        f"/calibrate/calibration_tel{telescope:03d}_00000002.h5"
        for telescope in (1, 2, 3)
    ]
    assert {str(file.status) for lfn, file in files.items() if "AirShower" in lfn} == {"Processed"}
    (last,) = [task for task in made["merge"].tasks.values() if task.good]
    assert len(last.lfns) == 3
    (dataset,) = grid.catalogue.datasets.values()
    assert dataset.frozen
