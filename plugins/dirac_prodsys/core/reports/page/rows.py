"""Makes the row of a run: what the list of productions shows of it.

How far it is and when it is done is what ``dirac-prodsys status`` says: both use
``core/reports/status_progress.py`` with the same records and the same looks.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.naming import group_id
from dirac_prodsys.core.policy.counts import bad_tasks, good_tasks
from dirac_prodsys.core.reports.course import Amount
from dirac_prodsys.core.reports.forecast import Forecast
from dirac_prodsys.core.reports.ledger.record import moment
from dirac_prodsys.core.reports.page.answers.common import AmountView, Freshness, StateView
from dirac_prodsys.core.reports.page.answers.productions import ProductionRow, StepCell
from dirac_prodsys.core.reports.page.bars import bar
from dirac_prodsys.core.reports.page.board import Book, Track
from dirac_prodsys.core.reports.page.states import run_state, step_state, unmade_state
from dirac_prodsys.core.reports.page.words import (
    age_words,
    amount,
    dataset,
    eta,
    events,
    freshness,
)
from dirac_prodsys.core.reports.run_progress import StepProgress
from dirac_prodsys.core.reports.state_line import State
from dirac_prodsys.core.reports.status_progress import RunOverview, overviews
from dirac_prodsys.core.reports.status_view import StatusRow

_HOUR = timedelta(hours=1)

#: why there is no estimate of a run whose past is not known yet
_UNREAD = "its past is being read"


@dataclass(frozen=True)
class Question:
    """What a task asks a person.

    :param at: since when.
    """

    subject: str
    at: datetime
    task_id: str


@dataclass(frozen=True)
class AirflowRun:
    """A run as Airflow knows it.

    :param state: ``queued``, ``running``, ``success`` or ``failed``.
    :param said: ID of a step's group → what its waiting task says.
    """

    dag_id: str
    run_id: str
    state: str
    owner: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    note: str = ""
    said: Mapping[str, State] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class GridLook:
    """What the grid said when it was last asked.

    :param at: seconds since the epoch; None: it never answered.
    :param snapshots: ID → transformation.
    :param why: why it does not answer now; empty: it does.
    :param every: seconds between two looks.
    """

    at: float | None = None
    snapshots: Mapping[int, Snapshot] = field(default_factory=dict)
    why: str = ""
    every: float = 30.0


@dataclass(frozen=True)
class StepView:
    """A step of a run with all that is known of it.

    :param track: its newest transformation.
    :param seen: the transformation, as it was last seen.
    """

    track: Track
    row: StatusRow
    seen: Snapshot
    state: StateView
    progress: StepProgress

    @property
    def name(self) -> str:
        """Return the step as the plan names it."""
        return self.track.step.step or self.row.label


@dataclass(frozen=True)
class RunView:
    """A run with all that is known of it.

    :param overview: what ``dirac-prodsys status`` says; None: it has no transformation yet.
    """

    book: Book
    airflow: AirflowRun | None
    overview: RunOverview | None
    steps: tuple[StepView, ...]
    state: StateView
    row: ProductionRow


def run_view(book: Book, airflow: AirflowRun | None, look: GridLook, now: float) -> RunView:
    """Return a run.

    :param now: seconds since the epoch.
    """
    tracks = book.newest()
    seen = [_seen(track, look) for track in tracks]
    rows = [StatusRow(one, track.parts) for track, one in zip(tracks, seen, strict=True)]
    past = book.past()
    past.look(rows, now)
    overview = next(iter(overviews(rows, past, now)), None)
    if overview is not None and not book.whole:
        overview = _without_estimates(overview)
    said = {} if airflow is None else airflow.said
    progress = () if overview is None else overview.progress.steps
    steps = tuple(
        StepView(
            track,
            row,
            row.snapshot,
            step_state(track, row.label, row.snapshot, said.get(group_id(track.step.step)), now),
            one,
        )
        for track, row, one in zip(tracks, rows, progress, strict=True)
    )
    questions = () if airflow is None else tuple((q.subject, q.at) for q in airflow.questions)
    made = {group_id(track.step.step) for track in tracks}
    unmade = [(name.replace("__", "."), one) for name, one in said.items() if name not in made]
    waiting = [(name, unmade_state(name, one, now)) for name, one in unmade]
    states = [(step.row.label, step.state) for step in steps]
    state = run_state(
        book, [*states, *waiting], "" if airflow is None else airflow.state, now, questions
    )
    fresh = seen_of(book, look, now)
    row = _row(book, airflow, overview, steps, state, fresh, now)
    return RunView(book, airflow, overview, steps, state, row)


def group_of_task(task_id: str) -> str:
    """Return the ID of the group that a task stands in: that of its step."""
    return task_id.rpartition(".")[0].rpartition(".")[2]


def seen_of(book: Book, look: GridLook, now: float) -> Freshness:
    """Return the age of the counts of a run."""
    moments: list[float | None] = []
    for track in book.newest():
        if _is_newer(track, look):
            moments.append(look.at)
        elif track.counts is not None:
            moments.append(track.counts.at.timestamp())
    known = [at for at in moments if at is not None]
    return freshness(min(known) if known else None, now, look.every, look.why)


def _seen(track: Track, look: GridLook) -> Snapshot:
    """Return a transformation as it was last seen, by the grid or the ledger."""
    return look.snapshots[track.key[1]] if _is_newer(track, look) else track.snapshot()


def _without_estimates(overview: RunOverview) -> RunOverview:
    """Return an overview that was made without the past: estimates say so."""
    whole = overview.progress

    def unread(made: Forecast) -> Forecast:
        return made if made.known else Forecast(why=_UNREAD)

    steps = tuple(replace(step, forecast=unread(step.forecast)) for step in whole.steps)
    progress = replace(whole, steps=steps, forecast=unread(whole.forecast))
    return replace(overview, progress=progress)


def _is_newer(track: Track, look: GridLook) -> bool:
    """Whether the grid was asked after the last counts; IDs begin anew when a database does."""
    found = look.snapshots.get(track.key[1])
    if found is None or found.name != track.key[0]:
        return False
    return track.counts is None or (look.at or 0.0) >= track.counts.at.timestamp()


def _row(
    book: Book,
    airflow: AirflowRun | None,
    overview: RunOverview | None,
    steps: Sequence[StepView],
    state: StateView,
    fresh: Freshness,
    now: float,
) -> ProductionRow:
    run_id = airflow.run_id if airflow is not None else ""
    forecast = Forecast(why="it has not begun") if overview is None else overview.progress.forecast
    last = book.last
    ended = last.at if last is not None and last.state != "began" else None
    if state.kind in ("completed", "failed", "cut short", "cleaned", "imported") and ended is None:
        ended = state.since
    if ended is not None and state.kind != "completed":
        forecast = Forecast(why="it is over")
    changed = book.changed
    return ProductionRow(
        key=f"{book.vo}/{book.production}/{book.run}",
        dag_id=book.production,
        production=book.production,
        run=book.run,
        run_id=run_id,
        vo=book.vo,
        campaign=book.campaign,
        owner=_owner(book, airflow),
        types=tuple(dict.fromkeys(step.track.step.type for step in steps if step.track.step.type)),
        state=state,
        grid_state="" if overview is None else overview.state,
        steps_done=0 if overview is None else overview.done,
        steps_total=len(steps),
        steps=tuple(_cell(step) for step in steps),
        fraction=0.0 if overview is None else round(overview.progress.fraction, 4),
        files=amount(Amount() if overview is None else overview.progress.files, "files"),
        tasks=amount(Amount() if overview is None else overview.progress.tasks, "tasks"),
        events=_events(book, steps),
        failed_jobs=sum(bad_tasks(step.seen) for step in steps),
        failures_last_hour=_lately(book, steps, now),
        datasets=tuple(
            dataset(
                step.track.step.dataset,
                step.name,
                book.datasets.get(step.track.step.dataset),
                {},
            )
            for step in steps
            if step.track.step.dataset
        ),
        eta=eta(forecast, now),
        began=_began(book, airflow),
        ended=None if state.kind in ("running", "waiting") else ended,
        changed=changed,
        changed_words="" if changed is None else age_words(now - changed.timestamp()),
        seen=fresh,
        note="" if airflow is None else airflow.note,
        page=f"/dags/{quote(book.production)}/runs/{quote(run_id, safe='')}" if run_id else "",
    )


def _cell(step: StepView) -> StepCell:
    return StepCell(
        step=step.name,
        type=step.track.step.type,
        transformation=step.track.step.transformation,
        state=step.state,
        bar=bar(step.seen, step.track.step.tasks),
        fraction=round(step.progress.fraction, 4),
    )


def _owner(book: Book, airflow: AirflowRun | None) -> str:
    if airflow is not None and airflow.owner:
        return airflow.owner
    return book.began.by if book.began is not None else ""


def _began(book: Book, airflow: AirflowRun | None) -> datetime | None:
    if book.first is not None:
        return book.first.at
    if airflow is not None and airflow.began is not None:
        return airflow.began
    return min((track.step.at for track in book.tracks.values()), default=None)


def _events(book: Book, steps: Sequence[StepView]) -> AmountView | None:
    """Return events made and wanted, of the steps that simulate them."""
    made, wanted = [], []
    for step in steps:
        record = step.track.step
        if record.tasks is None or record.events_per_file is None:
            continue
        made.append(good_tasks(step.seen) * record.events_per_file)
        wanted.append(record.target or record.tasks * record.events_per_file)
    return events(float(sum(made)), float(sum(wanted))) if wanted else None


def _lately(book: Book, steps: Sequence[StepView], now: float) -> int | None:
    """Count the failures of the last hour; None: what was before is unknown."""
    before = moment(now) - _HOUR
    if not book.whole:
        return 0 if book.changed is not None and book.changed < before else None
    found = 0
    for step in steps:
        then = step.track.failed_at(before)
        if then is None:
            if not bad_tasks(step.seen):
                continue
            return None
        found += max(0, bad_tasks(step.seen) - then)
    return found
