"""Writes the decisions about files that stay behind as numbers and as log lines.

Invariant: pure; files with the same fate, cause and reason share a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dirac_prodsys.core.recovery.decisions import Decision


def requeued(decisions: Iterable[Decision]) -> dict[str, int]:
    """Count the files that are tried again, by cause."""
    return dict(Counter(d.cause for d in decisions if d.fate.startswith("retry")))


def in_words(decisions: Sequence[Decision]) -> list[str]:
    """Write the decisions for a log: one line for all files with the same fate and cause."""
    groups: dict[tuple[str, str, str], list[Decision]] = {}
    for decision in decisions:
        groups.setdefault((decision.fate, decision.cause, decision.reason), []).append(decision)
    lines = []
    for (fate, cause, reason), alike in groups.items():
        files = ", ".join(decision.file.lfn for decision in alike[:3])
        more = f" and {len(alike) - 3} more" if len(alike) > 3 else ""
        lines.append(f"{fate}: {len(alike)} files ({cause}): {reason}: {files}{more}")
    return lines
