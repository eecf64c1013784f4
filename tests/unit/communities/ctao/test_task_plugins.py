"""CTADIRAC's task-making plugins, on the in-memory grid.

``tests/integration/test_ctao_plugins.py`` compares them with CTADIRAC's own, and
``tests/contract/test_site_plugins.py`` holds both to one contract.
"""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task, Transformation

RAW = {"data__level": "DL0", "instance__obs_id": 7}
CALIBRATION = {
    "curation__release": "R1",
    "data__level": "DL1",
    "data__division": "Monitoring",
    "data__association": "Telescope",
    "data__type": "Calibration",
    "instance__obs_id": 7,
}
PARAMETERS = {"CalibpipeRelease": "R1", "CalibDataType": "['Calibration']"}


@pytest.fixture
def grid() -> MemoryGrid:
    """A grid whose jobs never end."""
    return MemoryGrid(agent_cycle=10, task_seconds=10**9)


def raw(grid: MemoryGrid, telescope: int, chunk: int, part: int = 1) -> str:
    lfn = f"/ctao/raw/tel{telescope}_chunk{chunk}_{part}"
    own = {"instance__ae_id": telescope, "instance__chunk_id": chunk}
    grid.catalogue.register(lfn, **RAW, **own)
    return lfn


def calibration(grid: MemoryGrid, telescope: int, release: str = "R1") -> str:
    lfn = f"/ctao/calibration/tel{telescope}_{release}"
    own = {"instance__ae_id": telescope, "curation__release": release}
    grid.catalogue.register(lfn, **CALIBRATION | own)
    return lfn


def active(grid: MemoryGrid, plugin: str, **parameters: Any) -> Transformation:
    made = grid.serve_addTransformation(
        "t", "t", "t", "DataReprocessing", plugin, "Automatic", "", input_query=dict(RAW)
    )
    grid.serve_setTransformationParameter(made, "Status", "Active")
    found = grid.transformations[made]
    found.parameters |= parameters
    return found


def lfns(tasks: dict[int, Task]) -> list[list[str]]:
    return sorted(sorted(task.lfns) for task in tasks.values())


def test_all_files_are_one_task_whatever_the_group_size(grid: MemoryGrid) -> None:
    files = [raw(grid, telescope, 1) for telescope in (1, 2, 3)]
    made = active(grid, "GroupAll")
    grid.advance(10)
    assert lfns(made.tasks) == [files]


def test_a_chunk_is_merged_over_its_telescopes(grid: MemoryGrid) -> None:
    first, second = ([raw(grid, telescope, chunk) for telescope in (1, 2)] for chunk in (1, 2))
    made = active(grid, "MergeByTelescope")
    grid.advance(10)
    assert lfns(made.tasks) == [first, second]


def test_a_telescope_s_files_and_its_calibration_are_a_task(grid: MemoryGrid) -> None:
    parts = [raw(grid, 1, 1, part) for part in (1, 2)]
    alone = raw(grid, 2, 1)  # nobody has calibrated it yet
    found = calibration(grid, 1)
    calibration(grid, 1, "R0")
    made = active(grid, "ByTelescopeChunk", **PARAMETERS)
    grid.advance(10)
    assert lfns(made.tasks) == [[found, *parts]]
    assert made.files[alone].status == "Unused"
    later = calibration(grid, 2)
    grid.advance(10)
    assert lfns(made.tasks) == [[found, *parts], [later, alone]]


def test_of_two_chunks_of_a_telescope_one_gets_a_task(grid: MemoryGrid) -> None:
    files = [raw(grid, 1, chunk) for chunk in (1, 2)]
    found = calibration(grid, 1)
    made = active(grid, "ByTelescopeChunk", **PARAMETERS)
    grid.advance(30)
    assert lfns(made.tasks) == [[found, files[0]]]
    assert made.files[files[1]].status == "Unused"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {**PARAMETERS, "CalibDataType": "Calibration"},
        {**PARAMETERS, "CalibDataType": "'Calibration'"},
        {**PARAMETERS, "CalibDataType": "['Calibration', 'Pointing']"},
    ],
)
def test_parameters_that_say_something_else_make_no_task(
    grid: MemoryGrid, parameters: dict[str, str]
) -> None:
    raw(grid, 1, 1)
    calibration(grid, 1)
    made = active(grid, "ByTelescopeChunk", **parameters)
    grid.advance(30)
    assert made.tasks == {}
