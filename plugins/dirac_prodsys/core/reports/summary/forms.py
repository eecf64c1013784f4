"""Writes the summary as Markdown, CSV and JSON.

Invariant: text of people and of jobs stays text: it makes no table cell, no HTML and no formula.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dirac_prodsys.core.reports.summary.columns import COLUMNS, EMPTY, Column, cells
from dirac_prodsys.core.reports.summary.row import SummaryRow
from dirac_prodsys.core.text.wording import one_line

#: characters that mean something in Markdown; ``_`` inside of a word means nothing
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<>|&~"})

#: first characters by which a spreadsheet takes a cell for a formula
_FORMULA = ("=", "+", "-", "@", "\t")


def table(
    rows: Sequence[SummaryRow], columns: Sequence[Column] = COLUMNS
) -> tuple[list[str], list[list[str]]]:
    """Return headings and cells."""
    head = [column.heading for column in columns]
    return head, [[one_line(cell) for cell in cells(row, columns)] for row in rows]


def to_markdown(rows: Sequence[SummaryRow], columns: Sequence[Column] = COLUMNS) -> str:
    """Write a table that GitHub, GitLab and Confluence show."""
    head, body = table(rows, columns)
    lines = [head, ["---"] * len(head), *body]
    rule = lines[1]
    written = (
        line if line is rule else [cell.translate(_MARKS) for cell in line] for line in lines
    )
    return "".join(f"| {' | '.join(line)} |\n" for line in written)


def to_csv(rows: Sequence[SummaryRow], columns: Sequence[Column] = COLUMNS) -> str:
    """Write the same cells for a spreadsheet (RFC 4180), and no formula of any cell."""
    head, body = table(rows, columns)
    return "".join(f"{','.join(map(_csv_cell, line))}\n" for line in (head, *body))


def to_json(rows: Sequence[SummaryRow]) -> str:
    """Write the rows for programs: numbers as numbers, bytes as bytes."""
    return json.dumps({"rows": [row.to_dict() for row in rows]}, indent=2)


def _csv_cell(cell: str) -> str:
    if cell != EMPTY and cell.startswith(_FORMULA):
        cell = f"'{cell}"
    return '"{}"'.format(cell.replace('"', '""')) if set(cell) & set(',"') else cell
