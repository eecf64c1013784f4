"""A rehearsal while it runs: a table that moves on a terminal, a line per change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from sandbox.demo_view import counts
from sandbox.production_run import Look


class View:
    """All runs of a rehearsal; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._start = time.monotonic()
        self._lines: dict[str, str] = {}
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> View:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def show(self, looks: Mapping[str, Look]) -> None:
        """Bring the view up to date.

        :param looks: by production.
        """
        if self.console.is_terminal:
            self._live.update(self._table(looks))
        else:
            self._say(looks)

    def _table(self, looks: Mapping[str, Look]) -> Table:
        table = Table("step", "", "", "status", "tasks", "doing", box=None)
        table.title = f"{time.monotonic() - self._start:.0f} s"
        for production, look in looks.items():
            table.add_row(f"[bold]{production}[/bold]", "", "", look.state, "", look.note)
            for step, row in zip(look.progress, look.rows, strict=True):
                table.add_row(
                    f"  {step.step}",
                    ProgressBar(total=1.0, completed=step.fraction, width=20),
                    f"{step.done}/{step.total or '?'} {step.unit}",
                    step.status or "-",
                    counts(row.tasks),
                    look.activity[step.step],
                )
        return table

    def _say(self, looks: Mapping[str, Look]) -> None:
        for production, look in looks.items():
            self._line(production, look.state, look.note)
            for step, row in zip(look.progress, look.rows, strict=True):
                done = f"{step.done}/{step.total or '?'} {step.unit}"
                self._line(f"{production}.{step.step}", step.status or "-", done, counts(row.tasks))

    def _line(self, name: str, *words: str) -> None:
        line = "  ".join([name, *(word for word in words if word and word != "-")])
        if self._lines.get(name) != line:
            self._lines[name] = line
            seconds = time.monotonic() - self._start
            self.console.print(
                f"{seconds:6.1f} s  {line}", markup=False, highlight=False, soft_wrap=True
            )
