"""Shows a running rehearsal: a moving table on a terminal, a line per change elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from dirac_prodsys.core.text.wording import by_state
from sandbox.runs.live_view import LiveView, count
from sandbox.runs.production_run import Look


class View(LiveView):
    """All runs of a rehearsal."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        super().__init__(console, self._live)

    def show(self, looks: Mapping[str, Look]) -> None:
        """Update the view.

        :param looks: production → look.
        """
        if self.console.is_terminal:
            self._live.update(self._table(looks))
        else:
            self._tell(looks)

    def _table(self, looks: Mapping[str, Look]) -> Table:
        table = Table("step", "", "", "status", "tasks", "doing", box=None)
        table.title = f"{self.seconds:.0f} s"
        for production, look in looks.items():
            table.add_row(f"[bold]{production}[/bold]", "", "", look.state, "", look.note)
            for step, row in zip(look.progress, look.rows, strict=True):
                table.add_row(
                    f"  {step.step}",
                    ProgressBar(total=1.0, completed=step.fraction, width=20),
                    count(step),
                    step.status or "-",
                    by_state(row.tasks),
                    look.activity[step.step],
                )
        return table

    def _tell(self, looks: Mapping[str, Look]) -> None:
        for production, look in looks.items():
            self._line(production, look.state, look.note)
            for step, row in zip(look.progress, look.rows, strict=True):
                name, tasks = f"{production}.{step.step}", by_state(row.tasks)
                self._line(name, step.status or "-", count(step), tasks)

    def _line(self, name: str, *words: str) -> None:
        line = "  ".join([name, *(word for word in words if word and word != "-")])
        self.say(name, line)
