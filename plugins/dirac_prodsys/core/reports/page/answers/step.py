"""Defines one step of a run: why it stands as it does, its counts, failures and queries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from dirac_prodsys.core.reports.page.answers.common import (
    AmountView,
    Answer,
    CommentView,
    DatasetView,
    Link,
    PlaceView,
    Sources,
)
from dirac_prodsys.core.reports.page.answers.production import (
    ActionOffer,
    Node,
    Rights,
    StoryLine,
)


class Judged(Answer):
    """A verdict of the policy."""

    at: datetime
    verdict: str
    """`wait`, `flush`, `recover`, `extend`, `complete` or `fail`."""
    reason: str
    alarm: str
    """What a person should look at; or empty."""


class Why(Answer):
    """Why the step stands as it does, and how it goes on."""

    line: str
    """The state in one line, as the task of the step says it."""
    verdict: Judged | None
    """The verdict now; null: none is recorded yet."""
    since: datetime | None
    next: str
    """What comes next by itself; empty: it is unknown."""
    may: tuple[str, ...]
    """What a person may do about it, a sentence each."""
    history: tuple[Judged, ...]
    """The verdicts before, the newest first."""


class TransformationView(Answer):
    """The transformation of the step."""

    id: int
    name: str
    type: str
    plugin: str
    status: str
    """DIRAC's word."""
    group_size: float | None
    tasks_declared: int | None
    """Null: its tasks come from files."""
    adopted: bool
    portal: str
    """Address in DIRAC's portal; empty: the connection names none."""


class CoursePoint(Answer):
    """How far the step was at a moment."""

    at: datetime
    done: float
    total: float


class CourseView(Answer):
    """How far the step was over time, the oldest first."""

    unit: Literal["files", "tasks"]
    points: tuple[CoursePoint, ...]
    rate: float | None
    """Files or tasks an hour, over the last hours."""
    rate_words: str


class JobSample(Answer):
    """A job to look at."""

    job: int
    href: str
    """Address in DIRAC's portal; empty: the connection names none."""
    log: str
    """Address of its log; empty: the connection names none."""


class FailureCell(Answer):
    """Jobs that failed for one cause at one site."""

    cause: str
    site: str
    count: int
    samples: tuple[JobSample, ...]


class FailuresView(Answer):
    """Failed jobs by cause and site, for a heat map: the most frequent first."""

    total: int
    unit: Literal["jobs", "requests"]
    causes: tuple[str, ...]
    sites: tuple[str, ...]
    cells: tuple[FailureCell, ...]
    advice: str
    """What to do about the most frequent cause that has an advice."""
    at: datetime | None
    """When the jobs were looked at; null: never, and there is no table yet."""
    live: bool
    """The grid was asked just now; false: the history has it, from when the policy looked."""
    note: str
    """What limits the table; or why there is none."""


class ConditionView(Answer):
    """A condition of a query."""

    field: str
    words: str
    """`= gamma`, `in 20, 40`, `>= 3`."""
    origin: str
    """Where it comes from: `the file`, `output of step simulate`, `the run`; empty: unknown."""


class QueryView(Answer):
    """A meta query."""

    conditions: tuple[ConditionView, ...]
    text: str
    """As one line, for DIRAC's command line."""


class StepAnswer(Answer):
    """One step of a run."""

    key: str
    dag_id: str
    production: str
    run: str
    run_id: str
    vo: str
    node: Node
    parents: tuple[str, ...]
    children: tuple[str, ...]
    why: Why
    transformation: TransformationView | None
    """Null: it was not made yet."""
    earlier: tuple[TransformationView, ...]
    """Those before a fresh start, the newest first."""
    files: dict[str, int]
    """DIRAC's status of files → number."""
    tasks: dict[str, int]
    """DIRAC's status of tasks → number."""
    catalogue_files: int | None
    events: AmountView | None
    course: CourseView
    failures: FailuresView
    input: QueryView | None
    """Null: it takes no files by a query."""
    output: QueryView | None
    body: Any
    """The body of its jobs or requests, as planned."""
    datasets: tuple[DatasetView, ...]
    storage: dict[str, PlaceView]
    """Storage element → what it has of the output; empty: unknown."""
    story: tuple[StoryLine, ...]
    """Notices, acts and people's actions, the newest first."""
    comments: tuple[CommentView, ...]
    actions: tuple[ActionOffer, ...]
    rights: Rights
    links: tuple[Link, ...]
    sources: Sources
