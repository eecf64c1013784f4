"""Says how a step and a run stand: kind, colour, reason, since when, and one line.

A task that waits says how its step stands (``core/reports/state_line.py``), and the page shows this
line. Where no task says anything, the same function makes the line from the last counts and the
last verdict.

Invariant: pure. A run stands as the worst of its steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from dirac_prodsys.core.grid.jobs import Cause, JobReport, JobRow
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.policy.counts import alive_tasks, assigned_files
from dirac_prodsys.core.policy.notice_kinds import NoticeKind
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.policy.verdict import Verdict, VerdictKind
from dirac_prodsys.core.reports.ledger.record import moment
from dirac_prodsys.core.reports.ledger.records import JobsRecord, StepRecord, VerdictRecord
from dirac_prodsys.core.reports.page.answers.common import Colour, StateKind, StateView
from dirac_prodsys.core.reports.page.board import Book, Track
from dirac_prodsys.core.reports.page.words import since_words
from dirac_prodsys.core.reports.state_line import Seen, State, state_of


class Look(NamedTuple):
    """How a state is shown.

    :param over: whether nothing more is done in it.
    """

    label: str
    colour: Colour
    needs_person: bool = False
    over: bool = False


#: all states, the worst first
LOOKS: Mapping[StateKind, Look] = {
    "asks": Look("needs a person", "red", needs_person=True),
    "failed": Look("failed", "red", needs_person=True),
    "stopped": Look("stopped", "purple", needs_person=True),
    "stalled": Look("stalled", "orange", needs_person=True),
    "failing": Look("jobs fail", "orange"),
    "outage": Look("grid is down", "yellow"),
    "running": Look("running", "blue"),
    "waiting": Look("waiting", "cyan"),
    "not begun": Look("not begun", "gray"),
    "cut short": Look("cut short", "gray", over=True),
    "cleaned": Look("cleaned", "gray", over=True),
    "imported": Look("imported", "gray", over=True),
    "completed": Look("completed", "green", over=True),
}

_ORDER = {kind: number for number, kind in enumerate(LOOKS)}


def rank(kind: StateKind) -> int:
    """Return the place of a state among all, the worst first."""
    return _ORDER[kind]


def view(
    kind: StateKind, words: str, now: float, *, reason: str = "", since: datetime | None = None
) -> StateView:
    """Return a state as it is shown."""
    look = LOOKS[kind]
    when = since_words(since, now)
    return StateView(
        kind=kind,
        label=look.label,
        colour=look.colour,
        needs_person=look.needs_person,
        reason=reason,
        since=since,
        words=", ".join(filter(None, [words, when])),
    )


def step_state(
    track: Track, label: str, seen: Snapshot, said: State | None, now: float
) -> StateView:
    """Return the state of a step.

    :param label: its name as people know it.
    :param seen: its transformation, as it was last seen.
    :param said: what its task says; None: no task waits.
    """
    if seen.status in ENDED_TRANSFORMATION:
        since = None if track.counts is None else track.counts.at
        return view("completed", f"{label} is {seen.status}", now, since=since)
    if seen.status in REMOVED_TRANSFORMATION:
        since = None if track.counts is None else track.counts.at
        return view("cleaned", f"{label} is {seen.status}", now, since=since)
    if said is None:
        verdict = track.verdict
        said = state_of(_seen(track, label, seen, verdict), now)
        since = verdict.at if verdict is not None else track.changed or track.step.at
    else:
        since = moment(said.since) if said.since else None
    kind = _kind(said, seen)
    return view(kind, said.line, now, reason=_reason(said, label, track), since=since)


def unmade_state(label: str, said: State | None, now: float) -> StateView:
    """Return the state of a step that has no transformation yet."""
    if said is None:
        return view("not begun", f"{label} has not begun", now)
    since = moment(said.since) if said.since else None
    kind: StateKind = "waiting" if said.kind == "ended" else said.kind
    return view(kind, said.line, now, reason=_without(said.line, label), since=since)


def run_state(
    book: Book,
    steps: Sequence[tuple[str, StateView]],
    airflow: str,
    now: float,
    questions: Sequence[tuple[str, datetime]] = (),
) -> StateView:
    """Return the state of a run.

    :param steps: steps and their states.
    :param airflow: state of its run in Airflow; empty: Airflow does not have it.
    :param questions: subject of each question that its tasks ask a person, and since when.
    """
    ended = _how_it_ended(book, airflow)
    last = book.last
    if ended and airflow not in ("running", "queued"):
        at = last.at if last is not None and last.state != "began" else book.changed
        reason = "" if last is None else last.reason
        words = f"{LOOKS[ended].label}: {reason}" if reason else LOOKS[ended].label
        return view(ended, words, now, reason=reason, since=at)
    if questions:
        subject, at = questions[0]
        return view("asks", f"a person is asked: {subject}", now, reason=subject, since=at)
    left = [(name, one) for name, one in steps if not LOOKS[one.kind].over]
    if not left:
        return _all_over(book, [one for _, one in steps], now, runs=airflow == "running")
    worst = min((one for _, one in left), key=lambda one: rank(one.kind))
    return worst.model_copy(update={"reason": worst.reason or worst.words})


def _how_it_ended(book: Book, airflow: str) -> StateKind | None:
    if book.ended:
        return cast(StateKind, book.ended)
    if airflow == "failed":
        return "failed"
    return "completed" if airflow == "success" else None


def _all_over(book: Book, steps: Sequence[StateView], now: float, *, runs: bool) -> StateView:
    """Return the state of a run of which no step is left to do."""
    since = max((one.since for one in steps if one.since), default=None)
    if not steps:
        began = book.began.at if book.began is not None else None
        return view("not begun", "nothing is made yet", now, since=began)
    if runs:
        return view("running", "all steps are done, the run ends", now, since=since)
    if all(one.kind == "cleaned" for one in steps):
        return view("cleaned", "cleaned", now, since=since)
    imported = all(track.step.origin == "import" for track in book.tracks.values())
    kind: StateKind = "imported" if imported else "completed"
    return view(kind, LOOKS[kind].label, now, since=since)


def _kind(said: State, seen: Snapshot) -> StateKind:
    if said.kind == "ended":
        return "running"
    if said.kind != "waiting":
        return said.kind
    if seen.status is TransformationStatus.NEW:
        return "not begun"
    return "running" if alive_tasks(seen) or assigned_files(seen) else "waiting"


def _reason(said: State, label: str, track: Track) -> str:
    """Return why a step stands so: the alarm, else the reason of the verdict, else the line."""
    verdict = track.verdict
    if said.kind in ("asks", "stalled", "failed") and verdict is not None:
        return verdict.alarm or verdict.reason
    if said.kind == "waiting" and verdict is not None and verdict.verdict == "wait":
        return verdict.reason
    return _without(said.line, label)


def _without(line: str, label: str) -> str:
    return line.removeprefix(label).lstrip(": ")


def _seen(track: Track, label: str, seen: Snapshot, verdict: VerdictRecord | None) -> Seen:
    judged = None
    if verdict is not None:
        judged = Verdict(
            cast(VerdictKind, verdict.verdict),
            verdict.reason,
            verdict.alarm,
            about=cast(NoticeKind, verdict.about),
        )
    return Seen(label, seen, rules_of(track.step), judged, causes=causes_of(track.jobs))


def rules_of(step: StepRecord) -> StepRules:
    """Return as much of the rules of a step as its record tells."""
    kind = TRANSFORMATION_TYPES.get(step.type)
    by_files = bool(step.query) or (step.tasks is None and (kind is None or kind.needs_input))
    requests = kind is not None and kind.body == "request"
    return StepRules(needs_input=by_files, tasks=step.tasks, by_requests=requests)


def causes_of(jobs: JobsRecord | None) -> tuple[Cause, ...]:
    """Return why jobs failed, the most frequent cause first."""
    if jobs is None:
        return ()
    rows = tuple(
        JobRow(row.status, row.minor, row.application, row.site, row.total, row.samples)
        for row in jobs.rows
    )
    return tuple(JobReport("", rows).causes())
