"""Shows the grid's states of transformations as rows for people and programs, the step first.

Invariant: states and counts verbatim, no verdict; names are complete, and what all rows share is
shown once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, REMOVED_TRANSFORMATION, FileStatus
from dirac_prodsys.core.naming import NameParts, name_parts
from dirac_prodsys.core.policy.counts import attached_files, good_tasks
from dirac_prodsys.core.text.wording import by_state


@dataclass(frozen=True)
class StatusRow:
    """One transformation.

    :param parts: parts of its name; None: no plan gives such a name.
    """

    snapshot: Snapshot
    parts: NameParts | None

    @property
    def label(self) -> str:
        """Return the step, with its pass and fresh start if any; or the whole name."""
        if self.parts is None:
            return self.snapshot.name
        return self.snapshot.name.split(naming.SEPARATOR, 2)[2]

    @property
    def run(self) -> str:
        """Return the run's tag."""
        return "" if self.parts is None else self.parts.run

    @property
    def production(self) -> str:
        """Return the name of the production."""
        return "" if self.parts is None else self.parts.production

    @property
    def over(self) -> bool:
        """Whether the grid no longer works on it."""
        return self.snapshot.status in ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION

    @property
    def completed(self) -> bool:
        """Whether it has ended well, even if something was left undone."""
        return self.snapshot.status in ENDED_TRANSFORMATION

    @property
    def progress(self) -> tuple[int, int]:
        """Count files processed and attached so far; without files, tasks done and made."""
        files = attached_files(self.snapshot)
        if files:
            return self.snapshot.files.get(FileStatus.PROCESSED, 0), files
        return good_tasks(self.snapshot), sum(self.snapshot.tasks.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        step = "" if self.parts is None else self.parts.step
        own = {"step": step, "production": self.production, "run": self.run}
        return {**self.snapshot.to_dict(), **own}


def status_rows(snapshots: Iterable[Snapshot]) -> list[StatusRow]:
    """Return the rows, in the order given."""
    return [StatusRow(one, name_parts(one.name)) for one in snapshots]


def title(rows: Sequence[StatusRow]) -> str:
    """Return production and run if all rows share them; else what they share, or nothing."""
    productions, runs = {row.production for row in rows}, {row.run for row in rows}
    parts = []
    if len(productions) == 1 and all(productions):
        parts.append(f"production {productions.pop()}")
        parts += [f"run {runs.pop()}"] if len(runs) == 1 else []
    return ", ".join(parts)


def columns(rows: Sequence[StatusRow]) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the table, without what the title contains."""
    several = len({row.production for row in rows}) > 1
    runs = several or len({row.run for row in rows}) > 1
    head = ["Step", *["Run"] * runs, *["Production"] * several]
    cells = []
    for row in rows:
        seen = row.snapshot
        own = [row.label, *[row.run or "-"] * runs, *[row.production or "-"] * several]
        numbers = [by_state(seen.tasks), by_state(seen.files)]
        cells.append([*own, str(seen.id), seen.type, str(seen.status), *numbers])
    return [*head, "ID", "Type", "Status", "Tasks", "Files"], cells
