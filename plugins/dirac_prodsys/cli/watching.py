"""Looks at transformations repeatedly, and draws each look over the last one, with bars.

Invariant: it ends when all are over. An outage of the grid does not end it; any other error does.
Output that no person reads gets a table when something has changed, and no bars.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dirac_prodsys.errors import GatewayUnavailable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from dirac_prodsys.core.reports.status_view import StatusRow

#: lines besides the rows: title, head, trouble, rows that are not drawn, and the cursor
_BESIDE = 5


@dataclass(frozen=True)
class Look:
    """The rows that are shown.

    :param runs: production and run of the rows found by a production.
    :param notes: what is not shown, and why.
    """

    rows: tuple[StatusRow, ...]
    runs: frozenset[tuple[str, str]] = frozenset()
    notes: tuple[str, ...] = ()


class Looks(Protocol):
    """Looks once.

    :param runs: production and run of the rows that the first look found.
    """

    def __call__(self, runs: frozenset[tuple[str, str]], /) -> Look:
        """Return what is shown."""


def follow(
    looks: Looks,
    draw: Callable[[Look, str], None],
    sleep: Callable[[], None],
) -> None:
    """Look, draw and sleep until all is over.

    :param draw: called with the last look, and why there is no newer one.
    """
    seen, runs = None, frozenset[tuple[str, str]]()
    while True:
        trouble = ""
        try:
            seen = looks(runs)
            runs = runs or seen.runs
        except GatewayUnavailable as error:
            if seen is None:
                raise
            trouble = f"the grid does not answer: {error.reason}"
        draw(seen, trouble)
        if not trouble and all(row.over for row in seen.rows):
            return
        sleep()


def watch(looks: Looks, every: float) -> None:
    """Follow on the terminal, until all is over or somebody presses Ctrl-C."""
    from rich.live import Live

    from dirac_prodsys.cli.tables import unwrapped_console

    console = unwrapped_console()

    def sleep() -> None:
        time.sleep(every)

    try:
        if not console.is_terminal:
            follow(looks, when_changed(console), sleep)
            return
        with Live(console=console, auto_refresh=False) as live:

            def draw(seen: Look, trouble: str) -> None:
                room = max(1, console.height - _BESIDE - len(seen.notes))
                live.update(picture(seen, trouble, console.width, most=room), refresh=True)

            follow(looks, draw, sleep)
    except KeyboardInterrupt:
        pass  # Ctrl-C is the way to stop looking


def when_changed(console: Console) -> Callable[[Look, str], None]:
    """Return a function that draws a look only if it differs from the one before."""
    last: list[Any] = []

    def draw(seen: Look, trouble: str) -> None:
        if last != [seen.rows, trouble]:
            last[:] = [seen.rows, trouble]
            console.print(picture(seen, trouble, console.width, bars=False))

    return draw


def picture(
    seen: Look, trouble: str, width: int, *, bars: bool = True, most: int | None = None
) -> RenderableType:
    """Return a look as a table, with a bar in each row.

    :param width: columns of the console.
    :param most: rows for which there is room; of more rows, those that are not over are drawn.
    """
    from rich.console import Group
    from rich.text import Text

    from dirac_prodsys.cli.tables import plain_table
    from dirac_prodsys.core.reports.status_view import columns, title

    rows, words = list(seen.rows), [*seen.notes]
    if most is not None and len(rows) > most:
        rows = [row for row in rows if not row.over][:most] or rows[:most]
        words.append(f"{len(seen.rows) - len(rows)} more rows: without --watch, all are shown")
    head, cells = columns(rows)
    if bars:
        drawn = [[*cell, *_bar(row)] for cell, row in zip(cells, rows, strict=True)]
        table = plain_table([*head, "Progress", ""], drawn, width)
    else:
        table = plain_table(head, cells, width)
    notes = filter(None, [*words, trouble])
    return Group(*map(Text, filter(None, [title(rows)])), table, *map(Text, notes))


def _bar(row: StatusRow) -> tuple[RenderableType, str]:
    from rich.progress_bar import ProgressBar

    done, total = row.progress
    part = 1.0 if row.completed else done / total if total else 0.0
    return ProgressBar(total=1.0, completed=part), f"{done}/{total}" if total else "-"
