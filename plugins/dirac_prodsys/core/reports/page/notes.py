"""Writes the note of a run: one line on how it stands, for Airflow's own lists.

Invariant: pure. The line says what needs a person first, and is short enough for a note.
"""

from __future__ import annotations

from dirac_prodsys.core.reports.page.rows import RunView, StepView
from dirac_prodsys.core.reports.page.states import LOOKS, rank
from dirac_prodsys.core.reports.page.words import eta_short
from dirac_prodsys.core.text.wording import one_line, plural

#: most characters of a note; Airflow keeps 1000
_MOST = 400
#: most steps that are named
_STEPS = 3
#: steps that go well stand in the order of the production, behind those that do not
_WELL = rank("running")


def note(run: RunView, now: float) -> str:
    """Return the note of a run: ``merge 12/14 files, 1 job failed, ETA 14:20 UTC ± 25 min``."""
    row = run.row
    if LOOKS[run.state.kind].over or row.ended is not None:
        done = f"{row.steps_done} of {row.steps_total} {plural('step', row.steps_total)} completed"
        reason = f": {run.state.reason}" if run.state.reason else ""
        return one_line(f"{run.state.label}{reason}; {done}", _MOST)
    if run.state.kind == "asks" or not run.steps:
        left = [run.state.words]
    else:
        working = [step for step in run.steps if not LOOKS[step.state.kind].over]
        begun = [step for step in working if step.state.kind != "not begun"] or working
        begun.sort(key=lambda step: min(rank(step.state.kind), _WELL))
        more = [f"{len(begun) - _STEPS} more steps"] if len(begun) > _STEPS else []
        left = [*map(_step, begun[:_STEPS]), *more] or [run.state.words]
    ends = [] if run.overview is None else [eta_short(run.overview.progress.forecast, now)]
    return one_line(", ".join(filter(None, ["; ".join(left), *ends])), _MOST)


def _step(step: StepView) -> str:
    if LOOKS[step.state.kind].needs_person:
        return step.state.words
    amount = step.progress.files if step.progress.unit == "files" else step.progress.tasks
    words = f"{step.row.label} {amount.done}/{amount.total} {step.progress.unit}"
    failed = sum(step.seen.tasks.get(status, 0) for status in ("Failed", "Killed"))
    return f"{words}, {failed} {plural('job', failed)} failed" if failed else words
