"""Writes the cells of the summary: which columns there are, and how numbers are written.

Invariant: what is unknown is ``-``, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dirac_prodsys.core.query.meta_query import form_text
from dirac_prodsys.core.reports.summary.row import SummaryRow

#: a cell without content
EMPTY = "-"

#: size from which a unit is used: decimal units, as storage is sold
_UNITS = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

#: number of events from which they are written with this exponent
_EXPONENTS = ((5e7, 9), (1e5, 6))


@dataclass(frozen=True)
class Column:
    """A column.

    :param key: what it shows: a key of :data:`CELLS`.
    :param heading: its heading; a community has its own.
    """

    key: str
    heading: str


def sizes(values: Sequence[float]) -> str:
    """Write sizes with one unit for all: ``48.0 42.7 TB``.

    :param values: bytes.
    """
    if not values:
        return EMPTY
    largest = max(values)
    for least, unit in _UNITS:
        if largest >= least:
            return " ".join([*(f"{value / least:.1f}" for value in values), unit])
    return " ".join([*(f"{value:.0f}" for value in values), "B"])


def numbers(values: Sequence[float]) -> str:
    """Write numbers of events with one exponent for all: ``0.10e9 0.09e9``."""
    if not values:
        return EMPTY
    power = _exponent(max(values))
    return " ".join(
        f"{value / 10**power:.2f}e{power}" if power else f"{value:g}" for value in values
    )


def goal(value: float | None) -> str:
    """Write the number of events that were wanted: ``0.1e9``, without zeros at its end."""
    if value is None:
        return EMPTY
    power = _exponent(value)
    return f"{value / 10**power:.4g}e{power}" if power else f"{value:g}"


def query_words(query: str | Mapping[str, object]) -> str:
    """Write a query: its conditions one after the other, or its text."""
    if isinstance(query, str):
        return query or EMPTY
    conditions = (f"{name} {form_text(form).strip()}" for name, form in query.items())
    return ", ".join(conditions) or EMPTY


def _exponent(value: float) -> int:
    return next((power for least, power in _EXPONENTS if value >= least), 0)


def _list(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or EMPTY


#: key of a column → its cell
CELLS: Mapping[str, Callable[[SummaryRow], str]] = {
    "transformations": lambda row: _list(row.transformations),
    "dataset": lambda row: row.dataset or EMPTY,
    "run_ranges": lambda row: _list(row.run_ranges),
    "files": lambda row: " ".join(map(str, row.files)) or EMPTY,
    "events_per_file": lambda row: (
        EMPTY if row.events_per_file is None else str(row.events_per_file)
    ),
    "events": lambda row: numbers(row.events),
    "target": lambda row: goal(row.target),
    "status": lambda row: row.status or EMPTY,
    "query": lambda row: query_words(row.query),
    "bytes": lambda row: sizes(row.bytes),
    "comment": lambda row: row.comment or EMPTY,
    "campaign": lambda row: row.campaign or EMPTY,
    "productions": lambda row: _list(row.productions),
    "runs": lambda row: _list(row.runs),
    "steps": lambda row: _list(row.steps),
}

#: the columns of a site whose community has none of its own
COLUMNS = (
    Column("transformations", "Transformations"),
    Column("dataset", "Dataset"),
    Column("run_ranges", "Run numbers"),
    Column("files", "Files"),
    Column("events_per_file", "Events per file"),
    Column("events", "Events"),
    Column("target", "Events wanted"),
    Column("status", "Status"),
    Column("query", "Query"),
    Column("bytes", "Size"),
    Column("comment", "Comment"),
)


def cells(row: SummaryRow, columns: Sequence[Column] = COLUMNS) -> list[str]:
    """Write the cells of a row."""
    return [CELLS[column.key](row) for column in columns]
