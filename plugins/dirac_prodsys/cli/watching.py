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

    from dirac_prodsys.core.reports.status_progress import RunOverview
    from dirac_prodsys.core.reports.status_view import StatusRow

#: lines besides the rows: title, head, trouble, rows that are not drawn, and the cursor
_BESIDE = 5


@dataclass(frozen=True)
class Look:
    """The rows that are shown.

    :param runs: production and run of the rows found by a production.
    :param notes: what is not shown, and why.
    :param overviews: how far each run is; empty: nobody asked.
    :param by_run: a row a run is shown, and not a row a transformation.
    :param forecasts: whether enough of the past is known to say when something is done.
    :param at: when it was, in seconds since the epoch.
    """

    rows: tuple[StatusRow, ...]
    runs: frozenset[tuple[str, str]] = frozenset()
    notes: tuple[str, ...] = ()
    overviews: tuple[RunOverview, ...] = ()
    by_run: bool = False
    forecasts: bool = False
    at: float = 0.0


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
    from dirac_prodsys.core.reports.status_view import title

    head, lines = _table(seen)
    words = [*seen.notes]
    if most is not None and len(lines) > most:
        shown = [line for line in lines if not line.over][:most] or lines[:most]
        words.append(f"{len(lines) - len(shown)} more rows: without --watch, all are shown")
        lines = shown
    if bars:
        drawn = [[*line.cells, *_bar(line)] for line in lines]
        table = plain_table([*head, "Progress", ""], drawn, width)
    else:
        table = plain_table(head, [line.cells for line in lines], width)
    heading = "" if seen.by_run else title(seen.rows)
    notes = filter(None, [*words, trouble])
    return Group(*map(Text, filter(None, [heading])), table, *map(Text, notes))


@dataclass(frozen=True)
class _Line:
    """A line of the table, and its bar.

    :param fraction: 0 to 1; :param words: the same in words.
    """

    cells: list[str]
    over: bool
    fraction: float
    words: str


def _table(seen: Look) -> tuple[list[str], list[_Line]]:
    from dirac_prodsys.core.reports.status_progress import (
        by_transformation,
        overview_columns,
        with_forecasts,
    )
    from dirac_prodsys.core.reports.status_view import columns

    if seen.by_run:
        head, cells = overview_columns(seen.overviews, seen.at, forecasts=seen.forecasts)
        return head, [
            _Line(line, run.over, run.progress.fraction, f"{run.progress.fraction:.0%}")
            for line, run in zip(cells, seen.overviews, strict=True)
        ]
    head, cells = columns(seen.rows)
    if seen.forecasts:
        progress = by_transformation(seen.overviews)
        head, cells = with_forecasts(head, cells, seen.rows, progress, seen.at)
    found = []
    for line, row in zip(cells, seen.rows, strict=True):
        done, total = row.progress
        part = 1.0 if row.completed else done / total if total else 0.0
        found.append(_Line(line, row.over, part, f"{done}/{total}" if total else "-"))
    return head, found


def _bar(line: _Line) -> tuple[RenderableType, str]:
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=1.0, completed=line.fraction), line.words
