"""Tables for people: nothing in them is ever cut.

Invariant: what a program or a file reads has a line for each row, however long; on a terminal that
is too narrow, cells are folded, and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

#: columns, more than any line has
_UNBROKEN = 100_000

#: characters of cells that are not folded as long as there is a wider one
_UNFOLDED = 16


def whole_console() -> Console:
    """A console that breaks no line of what is not read by a person."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console


def whole_table(head: Sequence[str], rows: Iterable[Sequence[str | RenderableType]]) -> Table:
    """A table; text is shown as it is."""
    from rich.table import Table
    from rich.text import Text

    lines = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(head):
        texts = [line[number] for line in lines]
        longest = max((len(each) for each in texts if isinstance(each, Text)), default=0)
        table.add_column(name, overflow="fold", min_width=longest if longest <= _UNFOLDED else None)
    for line in lines:
        table.add_row(*line)
    return table
