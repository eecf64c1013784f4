"""Writes the summary as a web page that can be published as it is: one file without scripts.

Invariant: every text is escaped. The page loads nothing, and its policy forbids it to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TypeVar

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.reports.course import courses
from dirac_prodsys.core.reports.ledger.identity import Identity, identity_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import JobsRecord, StorageRecord
from dirac_prodsys.core.reports.summary.columns import COLUMNS, Column, sizes
from dirac_prodsys.core.reports.summary.forms import table
from dirac_prodsys.core.reports.summary.plots import STYLE, bars, lines
from dirac_prodsys.core.reports.summary.row import SummaryRow
from dirac_prodsys.core.text.wording import one_line

#: the kinds of records that the plots need besides those of the rows
KINDS = ("counts", "storage", "jobs")

#: most runs with a plot of their own, the newest; most bars of a plot, and most lines
_RUNS, _BARS, _LINES = 20, 12, 14

R = TypeVar("R", bound=Record)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    "body{font-family:sans-serif;margin:1.5em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:2px 8px;text-align:left;vertical-align:top}"
    "th{background:#eee}h2{margin-top:1.6em}"
)


def to_html(
    title: str,
    rows: Sequence[SummaryRow],
    records: Iterable[Record],
    made_at: datetime,
    columns: Sequence[Column] = COLUMNS,
) -> str:
    """Write the page: the table, then plots of progress, storage and failures.

    :param records: what the plots show.
    :param made_at: when the page is made.
    """
    head, body = table(rows, columns)
    made = made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    parts = [f"<h1>{escape(title)}</h1>", _table(head, body), *_plots(list(records))]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}{STYLE}</style></head>"
        f"<body>{''.join(parts)}<p>Made {made}.</p></body></html>\n"
    )


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in body
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _plots(records: Sequence[Record]) -> list[str]:
    progress = list(_progress(records).items())
    drawn = [
        (run, lines(f"Progress of {run}", dict(list(series.items())[:_LINES])))
        for run, series in progress[-_RUNS:]
    ]
    causes, sites = _failures(records)
    failures = [
        ("By cause", bars("Failed jobs by cause", causes, _number)),
        ("By site", bars("Failed jobs by site", sites, _number)),
    ]
    stored = [("", bars("Bytes by storage element", _stored(records), _size))]
    older = f"<p>{len(progress) - _RUNS} older runs are not drawn.</p>"
    return [
        *_section("Progress", drawn),
        *([older] if len(progress) > _RUNS else []),
        *_section("Storage", stored),
        *_section("Failed jobs", failures),
    ]


def _section(title: str, plots: Iterable[tuple[str, str]]) -> list[str]:
    """Return a heading and plots, each below its name; nothing if there is nothing to draw."""
    found = [
        (f"<h3>{escape(name)}</h3>" if name else "") + f"<div>{plot}</div>"
        for name, plot in plots
        if plot
    ]
    return [f"<h2>{title}</h2>", *found] if found else []


def _progress(records: Sequence[Record]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Return the share done over time of each step, by run; the run that began last at the end."""
    runs: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(dict)
    for place, course in courses(records).items():
        share = [(one.at, one.done / one.total if one.total else 0.0) for one in course.points]
        runs[_run_of(place)][one_line(place.label)] = share
    begins = {run: min(points[0][0] for points in series.values()) for run, series in runs.items()}
    return dict(sorted(runs.items(), key=lambda pair: begins[pair[0]]))


def _run_of(place: Identity) -> str:
    return " ".join(filter(None, (place.production, place.run))) or "imported"


def _stored(records: Iterable[Record]) -> dict[str, float]:
    """Return the bytes at each storage element, by the last look at each transformation."""
    total: Counter[str] = Counter()
    for record in _last(StorageRecord, records).values():
        for element, stored in record.elements.items():
            total[one_line(element)] += stored.bytes or 0
    return _most(total)


def _failures(records: Iterable[Record]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the failed jobs by cause and by site, by the last look at each transformation."""
    causes: Counter[str] = Counter()
    sites: Counter[str] = Counter()
    for record in _last(JobsRecord, records).values():
        for row in record.rows:
            if JobState(0, row.status).bad:
                words = filter(None, (row.minor, row.application))
                causes[one_line(": ".join(words) or row.status)] += row.total
                sites[one_line(row.site or "unknown")] += row.total
    return _most(causes), _most(sites)


def _last(kind: type[R], records: Iterable[Record]) -> dict[Identity, R]:
    found: dict[Identity, R] = {}
    for record in records:
        if isinstance(record, kind):
            place = identity_of(record)
            if place not in found or found[place].at <= record.at:
                found[place] = record
    return found


def _most(total: Counter[str]) -> dict[str, float]:
    """Return the largest, and the sum of the others."""
    ordered = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    found: dict[str, float] = dict(ordered[:_BARS])
    if rest := ordered[_BARS:]:
        found[f"{len(rest)} others"] = sum(value for _, value in rest)
    return found


def _size(value: float) -> str:
    return sizes([value])


def _number(value: float) -> str:
    return f"{value:.0f}"
