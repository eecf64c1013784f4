"""Writes a report of a rehearsal as plain text, the same on a terminal, in a log and in a mail.

Invariant: every line of it is in the report's JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dirac_prodsys.core.rehearsal.report import DatasetLine, RehearsalReport, StepLine
from dirac_prodsys.core.text.wording import by_state

_HEAD = ("step", "type", "status", "tasks", "files in", "processed", "files out", "seconds")


def as_text(report: RehearsalReport) -> str:
    """Write the whole report."""
    end = "came to its end" if not report.findings else "did not come to a good end"
    parts = [f"{report.production}: the rehearsal {end} ({report.seconds:.0f} s)", ""]
    parts += _table([_HEAD, *(_row(line) for line in report.steps)])
    if report.links:
        parts += ["", "links"]
        width = max(len(f"{link.parent} → {link.child}") for link in report.links)
        for link in report.links:
            fed = f"{link.files} of {link.of} files" if link.files else "FED NOTHING"
            parts.append(f"  {f'{link.parent} → {link.child}':<{width}}  {fed}")
    parts += _section("replicas afterwards", _replicas(report))
    parts += _section("metadata that nothing used", _unused(report))
    parts += _section("datasets as they would be", map(_dataset, report.datasets))
    parts += _section("notes", report.notes)
    parts += _section("findings", report.findings)
    return "\n".join(parts) + "\n"


def _row(line: StepLine) -> tuple[str, ...]:
    seconds = "-" if line.seconds is None else f"{line.seconds:.0f}"
    taken = (str(line.files_in), str(line.processed)) if line.files_in else ("-", "-")
    return (
        line.step,
        line.type,
        line.status or "-",
        by_state(line.tasks),
        *taken,
        str(line.files_out) if line.files_out else "-",
        seconds,
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write columns side by side: words to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    words = len(rows[0]) - 4
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if i < words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _replicas(report: RehearsalReport) -> Iterable[str]:
    for line in report.steps:
        if line.replicas is not None:
            yield f"{line.step}: {by_state(line.replicas) if line.replicas else 'none'}"


def _unused(report: RehearsalReport) -> Iterable[str]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for item in report.unused:
        alike.setdefault(item.fields, []).append(item.step)
    for fields, steps in alike.items():
        if fields:
            yield f"{', '.join(steps)}: {', '.join(fields)}"
    for item in report.unused:
        if item.files:
            what = f" ({', '.join(item.values)})" if item.values else ""
            yield f"{item.step}: {item.files} files that nobody took{what}"


def _dataset(line: DatasetLine) -> str:
    if line.files is None:
        return f"{line.name} of step {line.step}: not made"
    frozen = ", frozen" if line.frozen else ""
    expected = f", expected: {line.expected}" if line.expected else ""
    return f"{line.name} of step {line.step}: {line.files} files{frozen}{expected}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["", title, *found] if found else []
