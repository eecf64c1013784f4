"""Shows what an action would touch, before it touches anything.

Invariant: a preview holds everything that is done afterwards: IDs, answers, and the numbers that
make doing it twice the same as doing it once. With equal digests, the same would be done to the
same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dirac_prodsys.core.actions.decision_table import Answer, decide
from dirac_prodsys.core.actions.kinds import VALUES
from dirac_prodsys.core.actions.reopening import Came, generations, reopened
from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.actions.selection import Selection
from dirac_prodsys.core.grid.inventory import FileShare, Listed
from dirac_prodsys.core.grid.snapshot import Snapshot, known_fields
from dirac_prodsys.core.naming import name_parts

#: the files that came for so many other steps were counted that one must be named
_UNCOUNTED = Came(refused="too many steps are meant to count what came for each: name run and step")

_HEAD = ("ID", "Name", "Status", "Tasks", "Files", "Bytes", "Answer", "Why")


@dataclass(frozen=True)
class PreviewRow:
    """One transformation of a preview.

    :param files: number of files that the action concerns; ``bytes``: their size, if known.
    :param total: for ``extend``: the final number of tasks; for ``reopen``: that of the generation.
    """

    id: int
    name: str
    status: str
    answer: Answer
    why: str
    tasks: int = 0
    files: int = 0
    bytes: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Preview:
    """What an action would do.

    :param left_out: matching transformations that are not ours.
    """

    action: str
    scope: str
    rows: tuple[PreviewRow, ...]
    left_out: tuple[str, ...] = ()
    digest: str = ""

    @property
    def acts(self) -> tuple[PreviewRow, ...]:
        """Return the rows to which something is done."""
        return tuple(row for row in self.rows if row.answer == "act")

    def summary(self) -> str:
        """Return one sentence."""
        count = dict.fromkeys(("act", "leave", "refuse"), 0)
        for row in self.rows:
            count[row.answer] += 1
        sizes = [row.bytes for row in self.acts if row.bytes is not None]
        files = sum(row.files for row in self.acts)
        size = f", {human_bytes(sum(sizes))}" if sizes else ""
        return (
            f"{self.action}, {self.scope}: touches {count['act']} transformations "
            f"({files} files{size}), leaves {count['leave']}, refuses {count['refuse']}"
        )

    def to_text(self) -> str:
        """Write a table for logs and terminals."""
        rows = [
            (
                str(row.id),
                row.name,
                row.status,
                str(row.tasks),
                str(row.files),
                "?" if row.bytes is None else human_bytes(row.bytes),
                row.answer,
                row.why,
            )
            for row in self.rows
        ]
        lines = [self.summary(), *table(_HEAD, rows)]
        lines += [f"not ours, left out: {line}" for line in self.left_out]
        return "\n".join([*lines, f"digest {self.digest}"])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, for XCom and scripts."""
        rows = [asdict(row) for row in self.rows]
        return {**asdict(self), "rows": rows, "left_out": list(self.left_out)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Preview:
        """Inverse of :meth:`to_dict`; keys that others have added are left out."""
        rows = tuple(PreviewRow(**row) for row in data["rows"])
        return cls(**{**known_fields(cls, data), "rows": rows, "left_out": tuple(data["left_out"])})

    @property
    def seal(self) -> str:
        """Return a digest of every word, to check that the preview is unchanged."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def preview(
    request: ActionRequest,
    selection: Selection,
    snapshots: Mapping[int, Snapshot],
    shares: Mapping[int, FileShare],
    *,
    came: Mapping[int, Came] | None = None,
    others: Sequence[Listed] = (),
) -> Preview:
    """Return the preview of a request; transformations without a snapshot have just been removed.

    :param shares: transformation ID → the files that it concerns; missing ones are unknown.
    :param came: for ``reopen``: transformation ID → what came since; None: nobody has looked yet.
    :param others: for ``reopen``: all transformations of these productions.
    """
    rows = tuple(
        _row(request, listed, snapshots[listed.id], shares.get(listed.id), came, others)
        for listed in selection.listed
        if listed.id in snapshots
    )
    return Preview(
        request.action, request.scope, rows, selection.left_out, digest=_digest(request, rows)
    )


def _row(
    request: ActionRequest,
    listed: Listed,
    snapshot: Snapshot,
    share: FileShare | None,
    came: Mapping[int, Came] | None,
    others: Sequence[Listed],
) -> PreviewRow:
    decision = decide(request, listed, snapshot)
    if request.kind.by_run:
        parts = name_parts(listed.name)
        found = (
            generations(parts.production, parts.run, others) if parts and came is not None else None
        )
        new = None if came is None else came.get(listed.id, _UNCOUNTED)
        decision = reopened(decision, listed.name, found, new)
        share = None if new is None else FileShare(new.files, new.bytes)
    return PreviewRow(
        id=listed.id,
        name=listed.name,
        # an unknown state is shown as it is
        status=listed.status if snapshot.status == "Unknown" else str(snapshot.status),
        answer=decision.answer,
        why=f"{decision.why}{_staying(share)}" if decision.answer == "act" else decision.why,
        tasks=sum(snapshot.tasks.values()),
        files=share.files if share else 0,
        bytes=share.bytes if share else None,
        total=decision.tasks,
    )


def _staying(share: FileShare | None) -> str:
    if share is None or not share.staying:
        return ""
    return f"; {share.staying} output files carry no ID of it, and stay"


def _digest(request: ActionRequest, rows: Iterable[PreviewRow]) -> str:
    """Return a digest of what is done to what, without numbers that change during a run."""
    acts = [[row.id, row.name, row.answer] for row in rows]
    asked = [request.action, *(request.values.get(name) for name in VALUES)]
    text = json.dumps([asked, acts], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def human_bytes(number: int) -> str:
    """Write a size such as ``1.5 GB``: powers of 1000, as storage is counted."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{number} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} PB"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Write the lines of a table, with columns only as wide as needed."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
