"""The parts of a bar: what became of files and tasks."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import FileStatus, TaskStatus, TransformationStatus
from dirac_prodsys.core.reports.page.bars import bar


def seen(**given: object) -> Snapshot:
    return Snapshot(1, "a", "Merging", TransformationStatus.ACTIVE, **given)  # type: ignore[arg-type]


def parts(snapshot: Snapshot | None, wanted: int | None = None) -> dict[str, int]:
    return {part.name: part.count for part in bar(snapshot, wanted).parts}


def test_files() -> None:
    files = {"Processed": 5, "Assigned": 3, "Unused": 4, "MaxReset": 2, "Removed": 7}
    failed = {"Unused": {1: 1}}
    assert parts(seen(files=files, failed_files=failed)) == {
        "processed": 5,
        "running": 3,
        "waiting": 3,
        "failed": 1,
        "given up": 2,
    }


def test_tasks_that_are_not_made_yet_wait() -> None:
    tasks = {"Done": 4, "Running": 2, "Failed": 1, "Created": 1}
    assert parts(seen(tasks=tasks), 10) == {
        "processed": 4,
        "running": 2,
        "waiting": 4,
        "failed": 1,
    }


def test_what_was_not_made_waits_as_a_whole() -> None:
    assert parts(None, 6) == {"waiting": 6}
    assert bar(None, None).words == "no files yet"


@pytest.mark.parametrize("wanted", [None, 100])
def test_the_parts_are_the_whole(wanted: int | None) -> None:
    one = seen(
        files={} if wanted else {str(status): 3 for status in FileStatus},
        tasks={str(status): 2 for status in TaskStatus},
    )
    found = bar(one, wanted)
    assert sum(part.count for part in found.parts) == found.total
    assert sum(part.share for part in found.parts) == pytest.approx(1)
