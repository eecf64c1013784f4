"""Makes the page of a step: why it stands so, its counts over time, failures and queries.

Invariant: pure. Words that a job left are shown as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from dirac_prodsys.core.grid.jobs import JobReport, JobRow, JobState
from dirac_prodsys.core.plan.origins import origin_words
from dirac_prodsys.core.policy.counts import bad_tasks
from dirac_prodsys.core.query.meta_query import form_text
from dirac_prodsys.core.reports.advice import advice_for
from dirac_prodsys.core.reports.ledger.record import Record, moment
from dirac_prodsys.core.reports.ledger.records import VerdictRecord
from dirac_prodsys.core.reports.page.answers.common import StateView
from dirac_prodsys.core.reports.page.answers.production import Node
from dirac_prodsys.core.reports.page.answers.step import (
    ConditionView,
    CoursePoint,
    CourseView,
    FailureCell,
    FailuresView,
    JobSample,
    Judged,
    QueryView,
    StepAnswer,
    TransformationView,
    Why,
)
from dirac_prodsys.core.reports.page.board import Track
from dirac_prodsys.core.reports.page.definition import Definition
from dirac_prodsys.core.reports.page.graph import edges, nodes, operator_words
from dirac_prodsys.core.reports.page.offers import offers
from dirac_prodsys.core.reports.page.papers import Papers
from dirac_prodsys.core.reports.page.rows import RunView, StepView
from dirac_prodsys.core.reports.page.run_page import (
    Surroundings,
    comment,
    datasets,
    definition_of,
    links,
)
from dirac_prodsys.core.reports.page.story import story
from dirac_prodsys.core.reports.page.words import events, places
from dirac_prodsys.core.reports.run_progress import StepProgress, rate_words

#: most causes and sites of the table of failures; the others are counted together
_MOST = 20
_OTHERS = "others"


@dataclass(frozen=True)
class Portal:
    """Gives addresses outside of Airflow; empty ones where the connection names none.

    :param transformation: ID, and name → its address in the portal.
    :param job: ID → its address; :param log: ID → the address of its log.
    """

    transformation: Callable[[int, str], str]
    job: Callable[[int], str]
    log: Callable[[int], str]


@dataclass(frozen=True)
class JobsNow:
    """The jobs of a step, as the grid has them.

    :param report: None: they were not seen yet.
    :param at: when they were seen; None: never. :param why: why they are not newer; or empty.
    """

    report: JobReport | None = None
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class _Jobs:
    """The table of jobs that is shown, wherever it comes from."""

    rows: tuple[JobRow, ...] = ()
    unit: str = "jobs"
    at: datetime | None = None
    note: str = ""
    live: bool = False


_MAY: Mapping[str, tuple[str, ...]] = {
    "asks": (
        "Answer the question of its task, here or under Required Actions in Airflow.",
        "Or act on it in DIRAC: the run accepts what a person does there.",
    ),
    "stopped": ("Resume it, when the reason for the stop is gone.",),
    "stalled": (
        "Look whether the agents of the grid work: the page Grid says it.",
        "Flush it, if files are left that make no full group.",
    ),
    "failing": ("Look at the failed jobs below: by cause, by site, and a few of them.",),
    "failed": (
        "Mend the cause, then clear its task in Airflow to wait on.",
        "Or clean the step and let it begin anew.",
    ),
    "outage": ("Nothing: it goes on when the grid answers.",),
}

#: of a step without a verdict that counts
_WITHOUT_VERDICT: Mapping[str, str] = {
    "completed": "nothing: it is over",
    "cleaned": "nothing: it is over",
    "not begun": "it begins by itself when its turn comes",
}
_NEXT: Mapping[str, str] = {
    "wait": "it is looked at again until that changes",
    "flush": "the files that are left over are flushed",
    "recover": "files that failed are looked after",
    "extend": "tasks are added in place of failed ones",
    "complete": "it is completed",
    "fail": "the step fails",
}


def step_page(
    run: RunView,
    name: str,
    papers: Papers,
    around: Surroundings,
    portal: Portal,
    now: float,
    jobs_now: Callable[[StepView], JobsNow] = lambda _: JobsNow(),
) -> StepAnswer | None:
    """Return the page of a step; None: the run has none of that name.

    :param jobs_now: asks for the jobs of a step, as the grid has them.
    """
    definition = definition_of(run, papers)
    plan: Mapping[str, Any] = {} if papers.plan is None else papers.plan.plan
    found = nodes(run, plan, definition, now)
    view = next((step for step in run.steps if name in (step.name, step.row.label)), None)
    name = name if view is None else view.name
    node = next((one for one in found if one.step == name), None)
    if node is None:
        return None
    ties = edges(run, plan, definition)
    planned = next((step for step in plan.get("steps", ()) if step["name"] == name), None)
    own = _own(papers.story, name)
    row = run.row
    return StepAnswer(
        key=row.key,
        dag_id=row.dag_id,
        production=row.production,
        run=row.run,
        run_id=row.run_id,
        vo=row.vo,
        node=node,
        parents=tuple(tie.parent for tie in ties if tie.child == name),
        children=tuple(tie.child for tie in ties if tie.parent == name),
        why=_why(node, node.state, own),
        transformation=None if view is None else _transformation(view.track, view, portal),
        earlier=tuple(
            _transformation(track, None, portal)
            for track in reversed(run.book.tracks.values())
            if track.step.step == name and (view is None or track is not view.track)
        ),
        files={} if view is None else dict(view.seen.files),
        tasks={} if view is None else dict(view.seen.tasks),
        catalogue_files=None if view is None else view.seen.catalogue_files,
        events=_events(view),
        course=_course(run, view),
        failures=_failures(_jobs(view, jobs_now), portal),
        input=_query(planned, view, _origins(planned, definition), "input"),
        output=_query(planned, view, None, "output"),
        body=_body(planned, view),
        datasets=tuple(one for one in datasets(run, papers) if one.step == name),
        storage=_storage(papers, name),
        story=story(record for record in own if not isinstance(record, VerdictRecord)),
        comments=tuple(comment(one) for one in papers.comments() if one.step == name),
        actions=offers([] if view is None else [view], forbidden=around.forbidden),
        rights=around.rights,
        links=links(run),
        sources=around.sources,
    )


def _own(records: Sequence[Record], name: str) -> list[Record]:
    return [record for record in records if record.step == name]


def _why(node: Node, state: StateView, records: Sequence[Record]) -> Why:
    judged = [_judged(record) for record in records if isinstance(record, VerdictRecord)]
    newest_first = sorted(judged, key=lambda one: one.at, reverse=True)
    over = node.state.kind in ("completed", "cleaned", "not begun")
    verdict = newest_first[0] if newest_first and not over else None
    known = _WITHOUT_VERDICT.get(state.kind) if verdict is None else _NEXT.get(verdict.verdict)
    return Why(
        line=state.words,
        verdict=verdict,
        since=state.since,
        next=known or "",
        may=_MAY.get(state.kind, ()),
        history=tuple(newest_first[1:] if verdict is not None else newest_first),
    )


def _judged(record: VerdictRecord) -> Judged:
    return Judged(at=record.at, verdict=record.verdict, reason=record.reason, alarm=record.alarm)


def _transformation(track: Track, view: StepView | None, portal: Portal) -> TransformationView:
    step = track.step
    number = step.transformation or 0
    return TransformationView(
        id=number,
        name=step.name,
        type=step.type,
        plugin=step.plugin,
        status=str(track.snapshot().status if view is None else view.seen.status),
        group_size=step.group_size,
        tasks_declared=step.tasks,
        adopted=step.adopted,
        portal=portal.transformation(number, step.name),
    )


def _events(view: StepView | None) -> Any:
    if view is None or view.track.step.events_per_file is None:
        return None
    made = view.progress.events
    target = view.track.step.target
    if made is None:
        return None
    return events(float(made.done), target or float(made.total))


def _course(run: RunView, view: StepView | None) -> CourseView:
    if view is None:
        return CourseView(unit="files", points=(), rate=None, rate_words="")
    progress: StepProgress = view.progress
    points = run.book.past().points.get(view.track.key, [])
    rate, unit = progress.forecast.rate, progress.unit
    return CourseView(
        unit=unit,
        points=tuple(
            CoursePoint(at=moment(one.at), done=one.done, total=one.total) for one in points
        ),
        rate=rate,
        rate_words=""
        if rate is None
        else f"{rate_words(progress.forecast)} {progress.unit} an hour",
    )


def _jobs(view: StepView | None, jobs_now: Callable[[StepView], JobsNow]) -> _Jobs:
    """Return the newest table of jobs: the grid's, if any failed; else that of the history."""
    if view is None:
        return _Jobs(note="it was not made yet")
    record = view.track.jobs
    kept = _Jobs(note="its jobs are looked at when they fail often, and at the end of the step")
    if record is not None:
        rows = tuple(
            JobRow(one.status, one.minor, one.application, one.site, one.total, one.samples)
            for one in record.rows
        )
        kept = _Jobs(rows, record.unit, record.at, record.note)
    if not bad_tasks(view.seen):
        return kept
    found = jobs_now(view)
    if found.report is None or found.at is None or (kept.at is not None and kept.at > found.at):
        return replace(kept, note="; ".join(filter(None, (found.why, kept.note))))
    note = "; ".join(filter(None, (found.why, found.report.note)))
    return _Jobs(found.report.rows, found.report.unit, found.at, note, live=not found.why)


def _failures(jobs: _Jobs, portal: Portal) -> FailuresView:
    rows = [row for row in jobs.rows if JobState(0, row.status).bad]
    counts: dict[tuple[str, str], int] = {}
    samples: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        cause = ": ".join(word for word in (row.status, row.minor, row.application) if word)
        place = cause, row.site or "unknown"
        counts[place] = counts.get(place, 0) + row.total
        samples.setdefault(place, []).extend(row.samples)
    causes = _frequent(counts, 0)
    sites = _frequent(counts, 1)
    cells: dict[tuple[str, str], tuple[int, list[int]]] = {}
    for (cause, site), number in counts.items():
        place = (cause if cause in causes else _OTHERS), (site if site in sites else _OTHERS)
        before, some = cells.get(place, (0, []))
        cells[place] = before + number, [*some, *samples[cause, site]]
    unit: Literal["jobs", "requests"] = "requests" if jobs.unit == "requests" else "jobs"
    return FailuresView(
        total=sum(counts.values()),
        unit=unit,
        causes=_with_others(causes, cells, 0),
        sites=_with_others(sites, cells, 1),
        cells=tuple(
            FailureCell(
                cause=cause,
                site=site,
                count=number,
                samples=tuple(_sample(job, portal, unit) for job in sorted(some)[:5]),
            )
            for (cause, site), (number, some) in sorted(
                cells.items(), key=lambda item: (-item[1][0], item[0])
            )
        ),
        advice=advice_for(tuple(JobReport("", jobs.rows).causes())),
        at=jobs.at,
        live=jobs.live,
        note=jobs.note,
    )


def _sample(job: int, portal: Portal, unit: str) -> JobSample:
    if unit == "requests":  # their numbers are no jobs
        return JobSample(job=job, href="", log="")
    return JobSample(job=job, href=portal.job(job), log=portal.log(job))


def _frequent(counts: Mapping[tuple[str, str], int], axis: int) -> list[str]:
    total: dict[str, int] = {}
    for place, number in counts.items():
        total[place[axis]] = total.get(place[axis], 0) + number
    return sorted(total, key=lambda name: (-total[name], name))[:_MOST]


def _with_others(
    names: list[str], cells: Mapping[tuple[str, str], Any], axis: int
) -> tuple[str, ...]:
    others = any(place[axis] == _OTHERS for place in cells) and _OTHERS not in names
    return (*names, *([_OTHERS] if others else []))


def _origins(planned: Mapping[str, Any] | None, definition: Definition | None) -> Mapping[str, str]:
    if planned is None or definition is None:
        return {}
    return origin_words(definition.production, definition.plan, planned["name"])


def _query(
    planned: Mapping[str, Any] | None,
    view: StepView | None,
    origins: Mapping[str, str] | None,
    which: Literal["input", "output"],
) -> QueryView | None:
    """Return a query of a step.

    :param origins: field → where its condition comes from; None: the step declares all of them.
    """
    spec = {} if planned is None else planned["transformation"]
    asked = spec.get(f"{which}_query") or {}
    if not asked and view is not None:
        step = view.track.step
        asked = step.query if which == "input" else step.output_query
    if not asked:
        return None
    known = dict.fromkeys(asked, "the file") if origins is None else origins
    return QueryView(
        conditions=tuple(
            ConditionView(field=name, words=operator_words(form), origin=known.get(name, ""))
            for name, form in asked.items()
        ),
        text=" ".join(f"{name}={form_text(form)}" for name, form in asked.items()),
    )


def _body(planned: Mapping[str, Any] | None, view: StepView | None) -> Any:
    if planned is not None:
        return planned["transformation"].get("body")
    return None if view is None else view.track.step.software or None


def _storage(papers: Papers, name: str) -> dict[str, Any]:
    stored = papers.storage_of(name)
    return {} if stored is None else places(stored.elements)
