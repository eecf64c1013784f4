"""Counts what became of the files or tasks of a step, as the parts of a stacked bar.

Invariant: the parts add up to the whole. A state that nobody knows counts as waiting.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import BAD_TASKS, GOOD_TASKS, FileStatus, TaskStatus
from dirac_prodsys.core.policy.counts import GONE_FILES, count
from dirac_prodsys.core.reports.page.answers.common import BarView, Colour, Part, PartName
from dirac_prodsys.core.reports.run_progress import unit_of
from dirac_prodsys.core.reports.state_line import BAD_FILES

#: the parts, in the order of the bar
COLOURS: Mapping[PartName, Colour] = {
    "processed": "green",
    "running": "blue",
    "waiting": "gray",
    "failed": "orange",
    "given up": "red",
}

#: tasks whose job a site has
_AT_SITE = frozenset(
    {
        TaskStatus.MATCHED,
        TaskStatus.RUNNING,
        TaskStatus.STALLED,
        TaskStatus.COMPLETING,
    }
)


def bar(seen: Snapshot | None, wanted: int | None) -> BarView:
    """Return the bar of a step.

    :param seen: its transformation; None: it was not made yet.
    :param wanted: number of tasks that the step declares; None: they come from files.
    """
    if seen is None:
        unit, parts = ("files" if wanted is None else "tasks"), {"waiting": wanted or 0}
    elif unit_of(seen, wanted) == "files":
        unit, parts = "files", _of_files(seen)
    else:
        unit, parts = "tasks", _of_tasks(seen, wanted)
    total = sum(parts.values())
    shown = tuple(
        Part(
            name=name,
            count=parts[name],
            share=parts[name] / total,
            colour=colour,
            words=f"{parts[name]:,} {unit} {name}",
        )
        for name, colour in COLOURS.items()
        if parts.get(name)
    )
    return BarView(unit=unit, total=total, parts=shown, words=_words(shown, total, unit))


def _of_files(seen: Snapshot) -> dict[str, int]:
    files = seen.files
    failed = min(
        sum(seen.failed_files.get(FileStatus.UNUSED, {}).values()), files.get(FileStatus.UNUSED, 0)
    )
    known = {
        "processed": files.get(FileStatus.PROCESSED, 0),
        "running": files.get(FileStatus.ASSIGNED, 0),
        "failed": failed,
        "given up": sum(files.get(status, 0) for status in BAD_FILES),
    }
    all_ = sum(number for status, number in files.items() if status not in GONE_FILES)
    return {**known, "waiting": all_ - sum(known.values())}


def _of_tasks(seen: Snapshot, wanted: int | None) -> dict[str, int]:
    tasks = seen.tasks
    known = {
        "processed": count(tasks, GOOD_TASKS),
        "running": count(tasks, _AT_SITE),
        "failed": count(tasks, BAD_TASKS),
    }
    made = sum(tasks.values())
    unmade = max(0, (wanted or 0) - (made - known["failed"]))
    return {**known, "waiting": made - sum(known.values()) + unmade}


def _words(parts: tuple[Part, ...], total: int, unit: str) -> str:
    if not total:
        return f"no {unit} yet"
    counts = {part.name: part.count for part in parts}
    done = f"{counts.pop('processed', 0):,} of {total:,} {unit} processed"
    return ", ".join([done, *(f"{number:,} {name}" for name, number in counts.items())])
