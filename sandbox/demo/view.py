"""Shows the demo: moving bars on a terminal, a line per change anywhere else, one table."""

from __future__ import annotations

from rich import progress as bars
from rich.console import Console
from rich.table import Table

from dirac_prodsys.core.reports.progress import Progress, StepRow
from dirac_prodsys.core.text.wording import by_state, plural
from dirac_prodsys.gateway.records import DatasetRecord
from sandbox.demo.run import Outcome
from sandbox.runs.live_view import LiveView, count
from sandbox.runs.production_run import Look


class Live(LiveView):
    """A bar per step while the run lasts."""

    def __init__(self, console: Console) -> None:
        self._bars: dict[str, bars.TaskID] = {}
        self._note = ""
        self._bars_of = bars.Progress(
            bars.TextColumn("{task.description}", style="bold"),
            bars.BarColumn(bar_width=30),
            bars.TextColumn("{task.fields[count]:>13}"),
            bars.TextColumn("{task.fields[status]:<11}", style="cyan"),
            bars.TextColumn("{task.fields[activity]}", style="dim"),
            console=console,
        )
        super().__init__(console, self._bars_of)

    def show(self, look: Look) -> None:
        """Update the view."""
        if look.note != self._note:
            self._note = look.note
            self.console.print(look.note or "the grid answers again", style="yellow")
        for step, row in zip(look.progress, look.rows, strict=True):
            if self.console.is_terminal:
                self._move(step, look.activity[step.step])
            else:
                self._tell(step, row, look.activity[step.step])

    def _move(self, step: Progress, activity: str) -> None:
        if step.step not in self._bars:
            self._bars[step.step] = self._bars_of.add_task(
                step.step, total=1.0, count="", status="", activity=""
            )
        self._bars_of.update(
            self._bars[step.step],
            completed=step.fraction,
            count=count(step),
            status=step.status or "-",
            activity=activity,
        )

    def _tell(self, step: Progress, row: StepRow, activity: str) -> None:
        parts = [f"{step.step:<8}", f"{step.status or '-':<10}", f"{count(step):>12}"]
        if row.tasks:
            parts.append(f"tasks: {by_state(row.tasks)}")
        if activity:
            parts.append(f"[{activity}]")
        self.say(step.step, "  ".join(parts))


def table(outcome: Outcome) -> Table:
    """Return one row per step: its result on the grid."""
    shown = Table(title=f"run: {outcome.look.state}", title_justify="left")
    for column in ("step", "transformation", "status", "tasks", "files", "dataset"):
        shown.add_column(column, justify="right" if column == "transformation" else "left")
    made = {record.name: record for record in outcome.datasets}
    for row in outcome.look.rows:
        shown.add_row(
            row.step,
            "-" if row.id is None else str(row.id),
            row.status or "-",
            by_state(row.tasks),
            by_state(row.files),
            _dataset(made[row.dataset]) if row.dataset in made else "-",
        )
    return shown


def _dataset(record: DatasetRecord) -> str:
    frozen = ", frozen" if record.frozen else ""
    return f"{record.name} ({record.files} {plural('file', record.files)}{frozen})"
