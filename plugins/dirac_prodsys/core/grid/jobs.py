"""Reports the jobs of a transformation as a table: how they ended, where, and which to look at.

The table is the usual one of mails: Status, MinorStatus, ApplicationStatus, Site, Total, sorted,
with the share of every status in all jobs and of every minor status in its own status.

Invariant: the numbers add up: rows to minor statuses, these to statuses, these to all. Any text
that a job left is shown as text, never as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from itertools import groupby
from typing import Any

from dirac_prodsys.core.grid.status import BAD_TASKS
from dirac_prodsys.core.text.wording import span

#: maximum number of sample jobs of a cause, and of causes that are named
_SAMPLES, _CAUSES = 5, 5

#: maximum rows of a table; the rarest beyond are counted together
MOST_ROWS = 300
_OTHERS = "(others)"

_HEAD = ("Status", "MinorStatus", "ApplicationStatus", "Site", "Total")

_COLOURS = {"Failed": "red", "Killed": "red", "Done": "green", "Completed": "green"}


@dataclass(frozen=True)
class JobState:
    """One job, in the words of job monitoring.

    :param job: JobID; 0 for a task that was never submitted.
    :param cpu_seconds: CPU time that it reported; None: unknown.
    :param wall_seconds: wall time that it reported, times its processors; None: unknown.
    """

    job: int
    status: str
    minor: str = ""
    application: str = ""
    site: str = ""
    cpu_seconds: float | None = None
    wall_seconds: float | None = None

    @property
    def bad(self) -> bool:
        """Whether it ended badly."""
        return self.status in BAD_TASKS

    @property
    def cause(self) -> str:
        """Return why it ended, as text that similar jobs share."""
        return ": ".join(word for word in (self.status, self.minor) if word)


@dataclass(frozen=True)
class JobTimes:
    """The times of one job in seconds; None: it did not report it.

    :param wall: wall time, times its processors.
    """

    cpu: float | None = None
    wall: float | None = None


@dataclass(frozen=True)
class JobRow:
    """Jobs that are alike.

    :param samples: IDs of a few of them, the smallest first.
    :param cpu_seconds: CPU time of those that reported it; None: none did.
    :param wall_seconds: wall time of those that reported it; None: none did.
    """

    status: str
    minor: str
    application: str
    site: str
    total: int
    samples: tuple[int, ...] = ()
    cpu_seconds: float | None = None
    wall_seconds: float | None = None


@dataclass(frozen=True)
class Cause:
    """One cause of failed jobs: how many, and where most of them."""

    text: str
    total: int
    site: str
    samples: tuple[int, ...]


@dataclass(frozen=True)
class JobReport:
    """All jobs of a transformation.

    :param title: what they belong to.
    :param note: what limits the table, e.g. that job monitoring did not answer; or empty.
    :param requeued: cause → number of files that were set Unused again.
    :param unit: what its tasks are: ``jobs`` or ``requests``.
    :param events: what happened during the wait: agents that stood still, files that vanished or
        came late, sites that are avoided.
    """

    title: str
    rows: tuple[JobRow, ...]
    note: str = ""
    requeued: Mapping[str, int] | None = None
    unit: str = "jobs"
    events: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Return the number of jobs."""
        return sum(row.total for row in self.rows)

    @property
    def cpu_seconds(self) -> float | None:
        """Return the CPU time of all jobs that reported it; None: none did."""
        return _sum(row.cpu_seconds for row in self.rows)

    @property
    def wall_seconds(self) -> float | None:
        """Return the wall time of all jobs that reported it; None: none did."""
        return _sum(row.wall_seconds for row in self.rows)

    def by_status(self) -> dict[str, int]:
        """Return the number of jobs by Status."""
        return _sums((row.status, row.total) for row in self.rows)

    def by_minor(self) -> dict[tuple[str, str], int]:
        """Return the number of jobs by Status and MinorStatus, which may occur with several."""
        return _sums(((row.status, row.minor), row.total) for row in self.rows)

    def causes(self) -> list[Cause]:
        """Return why most jobs failed, the most frequent cause first."""
        found: dict[str, list[JobRow]] = {}
        for row in self.rows:
            if JobState(0, row.status).bad:
                text = ": ".join(w for w in (row.status, row.minor, row.application) if w)
                found.setdefault(text, []).append(row)
        causes = []
        for text, rows in found.items():
            sites = _sums((row.site, row.total) for row in rows)
            samples = tuple(sorted(job for row in rows for job in row.samples))[:_SAMPLES]
            worst = max(sites, key=lambda site: (sites[site], site))
            causes.append(Cause(text, sum(sites.values()), worst, samples))
        return sorted(causes, key=lambda cause: (-cause.total, cause.text))[:_CAUSES]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "title": self.title,
            "note": self.note,
            "total": self.total,
            "cpu_seconds": self.cpu_seconds,
            "wall_seconds": self.wall_seconds,
            "rows": [asdict(row) for row in self.rows],
            "statuses": self.by_status(),
            "causes": [asdict(cause) for cause in self.causes()],
            "requeued": dict(self.requeued or {}),
            "events": list(self.events),
        }

    def to_text(self) -> str:
        """Write a table for a log or a mail."""
        lines = self._lines()
        widths = [max(len(line[column]) for line in (_HEAD, *lines)) for column in range(5)]
        table = [_HEAD, tuple("-" * width for width in widths), *lines]
        text = [self.title]
        text += ["  ".join(_cells(line, widths)).rstrip() for line in table]
        return "\n".join([*text, *self._remarks()])

    def to_html(self) -> str:
        """Write the same as a piece of HTML."""
        body = []
        for line in self._lines():
            colour = _COLOURS.get(line[0].removeprefix("Total: "), "orange")
            style = f' style="color:{colour};font-weight:bold"' if "Total: " in line[0] else ""
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in line)
            body.append(f"<tr{style}>{cells}</tr>")
        head = "".join(f"<th>{name}</th>" for name in _HEAD)
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())
        return (
            f"<h3>{escape(self.title)}</h3><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(body)}</tbody></table>{remarks}"
        )

    def _lines(self) -> list[tuple[str, ...]]:
        lines: list[tuple[str, ...]] = []
        minors, statuses = self.by_minor(), self.by_status()
        for status, of_status in groupby(self.rows, key=lambda row: row.status):
            for minor, of_minor in groupby(of_status, key=lambda row: row.minor):
                for row in of_minor:
                    lines.append((status, minor, row.application, row.site, str(row.total)))
                number = minors[status, minor]
                share = f"{number} ({number / statuses[status]:.1%})"
                lines.append(("", f"Total: {minor}", "", "", share))
            number = statuses[status]
            lines.append((f"Total: {status}", "", "", "", f"{number} ({number / self.total:.1%})"))
        lines.append(("Total", "", "", "", str(self.total)))
        return lines

    def _remarks(self) -> list[str]:
        remarks = [self.note] if self.note else []
        if self.cpu_seconds is not None or self.wall_seconds is not None:
            remarks.append(f"CPU time {_time(self.cpu_seconds)}, wall {_time(self.wall_seconds)}")
        for cause in self.causes():
            jobs = ", ".join(map(str, cause.samples))
            at = f", most at {cause.site}" if cause.site else ""
            which = f", e.g. {self.unit} {jobs}" if jobs else ""
            remarks.append(f"{cause.total} {self.unit}: {cause.text}{at}{which}")
        remarks += [
            f"{number} files tried again: {cause}"
            for cause, number in (self.requeued or {}).items()
        ]
        return [*remarks, *self.events]


def job_report(
    title: str,
    jobs: Iterable[JobState],
    *,
    note: str = "",
    requeued: Mapping[str, int] | None = None,
    unit: str = "jobs",
) -> JobReport:
    """Return the report on these jobs."""
    groups: dict[tuple[str, str, str, str], list[JobState]] = {}
    for job in jobs:
        groups.setdefault((job.status, job.minor, job.application, job.site), []).append(job)
    if len(groups) > MOST_ROWS:
        groups = _fewer(groups)
    rows = [_row(words, some) for words, some in sorted(groups.items())]
    return JobReport(title, tuple(rows), note, requeued, unit)


def _row(words: tuple[str, str, str, str], jobs: list[JobState]) -> JobRow:
    return JobRow(
        *words,
        total=len(jobs),
        samples=tuple(sorted(job.job for job in jobs if job.job)[:_SAMPLES]),
        cpu_seconds=_sum(job.cpu_seconds for job in jobs),
        wall_seconds=_sum(job.wall_seconds for job in jobs),
    )


def _sum(seconds: Iterable[float | None]) -> float | None:
    """Return the sum of what is known; None: nothing is."""
    known = [one for one in seconds if one is not None]
    return round(sum(known), 1) if known else None


def _time(seconds: float | None) -> str:
    return "unknown" if seconds is None else span(seconds)


def _fewer(
    groups: dict[tuple[str, str, str, str], list[JobState]],
) -> dict[tuple[str, str, str, str], list[JobState]]:
    """Return the largest groups; the others together, by what a shifter looks at first."""
    largest = sorted(groups, key=lambda words: (-len(groups[words]), words))
    fewer = {words: groups[words] for words in largest[:MOST_ROWS]}
    for words in largest[MOST_ROWS:]:
        status, minor, _, _ = words
        fewer.setdefault((status, minor, _OTHERS, _OTHERS), []).extend(groups[words])
    return fewer


def _sums(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    sums: Counter[Any] = Counter()
    for key, number in pairs:
        sums[key] += number
    return dict(sums)


def _cells(line: tuple[str, ...], widths: list[int]) -> list[str]:
    *left, last = line
    return [
        *(cell.ljust(width) for cell, width in zip(left, widths, strict=False)),
        last.rjust(widths[4]),
    ]
