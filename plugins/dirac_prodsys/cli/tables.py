"""Prints JSON for programs, and tables for people from which nothing is ever cut.

Invariant: a table that no person reads has one line for each row, however long. On a terminal that
is too narrow, cells are folded, and nothing is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]

#: columns of an endless line: more than any line has
_UNBROKEN = 100_000

#: columns of a drawn cell that is no text; and between two cells
_DRAWN, _GAP = 10, 2


def print_json(data: Any) -> None:
    """Print what ``--json`` asks for."""
    typer.echo(json.dumps(data, indent=2))


def shown(moment: datetime) -> str:
    """Write a moment in the zone of whoever reads it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z")


def shown_of_grid(text: str) -> str:
    """Write a moment as :func:`shown` does; the grid writes it in UTC, and says no zone.

    :param text: if it is no moment, it stays as it is; empty: unknown.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text or "-"
    return shown(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def unwrapped_console() -> Console:
    """Return a console that breaks no line unless a person reads it."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console


def plain_table(
    head: Sequence[str], rows: Iterable[Sequence[str | RenderableType]], width: int
) -> Table:
    """Return a table; text is shown as it is.

    :param width: columns of the console; if they are not enough, the widest cells are folded.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    lines = [list(row) for row in rows]
    natural = [
        max(cell_len(cell) if isinstance(cell, str) else _DRAWN for cell in column)
        for column in zip(head, *lines, strict=True)
    ]
    table = Table(box=None, pad_edge=False)
    for name, columns in zip(head, fitted(natural, width - _GAP * (len(head) - 1)), strict=True):
        table.add_column(name, overflow="fold", width=columns)
    for line in lines:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in line))
    return table


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths, with the widest made narrower until there is room for all."""
    found = list(widths)
    while sum(found) > room and max(found) > 1:
        widest = max(found)
        found[found.index(widest)] = widest - 1
    return found
