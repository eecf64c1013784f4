"""Defines one run of a production: graph, matrix, datasets, story and definition."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from dirac_prodsys.core.reports.page.answers.common import (
    Answer,
    BarView,
    Colour,
    CommentView,
    DatasetView,
    Eta,
    Link,
    Sources,
    StateView,
)
from dirac_prodsys.core.reports.page.answers.productions import ProductionRow


class Node(Answer):
    """A step in the graph."""

    step: str
    written: str
    """Name of the step as the file has it: branches of a matrix share it."""
    branch: dict[str, str]
    """Axis → value; empty: the step is not a branch."""
    type: str
    transformation: int | None
    name: str
    """Name of the transformation; empty: it was not made yet."""
    level: int
    """Steps before it on the longest way from a beginning, from 0 on: the column to draw it in."""
    state: StateView
    fraction: float
    bar: BarView
    eta: Eta
    dataset: str
    adopted: bool
    """The transformation existed before."""


class Edge(Answer):
    """What links two steps."""

    parent: str
    child: str
    conditions: tuple[str, ...]
    """The conditions by which the child finds the files of its parent: `particle = gamma`."""
    label: str
    """The most telling of them, short."""
    kind: Literal["files", "order"]
    """`order`: the child only waits for the parent, and takes none of its files."""
    streaming: bool
    """The child takes files as they come, and does not wait for the end of its parent."""


class Cell(Answer):
    """A branch of a matrix."""

    values: tuple[str, ...]
    """One for each axis."""
    steps: tuple[str, ...]
    """Its steps, as in the graph."""
    state: StateView
    """The worst of its steps."""
    fraction: float


class Axis(Answer):
    """An axis of a matrix."""

    name: str
    values: tuple[str, ...]


class MatrixView(Answer):
    """The branches of a matrix, for a strip or a heat map."""

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]


class StoryLine(Answer):
    """Something that happened to the run."""

    at: datetime
    kind: Literal[
        "run",
        "act",
        "verdict",
        "action",
        "answer",
        "notice",
        "event",
        "dataset",
        "comment",
        "drift",
    ]
    step: str
    by: str
    """Who did it; empty: the run itself."""
    text: str
    colour: Colour


class DriftLine(Answer):
    """The grid, or the catalogue, differs from what was planned or recorded."""

    subject: str
    what: str
    recorded: Any
    found: Any
    text: str
    at: datetime


class Change(Answer):
    """A line of a difference between two definitions."""

    sign: Literal["+", "-", " ", "@"]
    text: str


class DefinitionView(Answer):
    """The definition that the run began with."""

    file: str
    source: str
    commit: str
    digest: str
    plan_digest: str
    text: str
    """The YAML; empty: the ledger does not have it."""
    before: str
    """Tag of the run before; empty: there is none."""
    same_as_before: bool | None
    """Whether the run before began with the same; null: there is none, or it is unknown."""
    changes: tuple[Change, ...]
    """What differs from the run before, as a unified difference."""


class QuestionView(Answer):
    """A question that a task of the run asks a person. Airflow's own route takes the answer."""

    subject: str
    body: str
    """Markdown, as Airflow shows it: draw it as text."""
    options: tuple[str, ...]
    defaults: tuple[str, ...]
    multiple: bool
    params: dict[str, Any]
    """Fields that an answer may fill in: name → the JSON form of Airflow's Param."""
    asked_at: datetime
    step: str
    task_id: str
    map_index: int
    answer_with: Link
    """`PATCH` this with `{"chosen_options": […], "params_input": {…}}`."""
    may_answer: bool


class RunRef(Answer):
    """Another run of the production."""

    run: str
    run_id: str
    state: StateView
    began: datetime | None
    page: str


class ActionOffer(Answer):
    """An action that the user may ask for."""

    action: str
    title: str
    does: str
    """One sentence."""
    risky: bool
    """It cannot be undone: it needs a reason."""
    typed: bool
    """The name of the production must be typed to do it."""
    takes: tuple[ValueField, ...]
    """Numbers, exactly one of which must be given; none: it takes no number."""
    why_not: str
    """Why nothing of the run can take it now; empty: something can."""


class ValueField(Answer):
    """A number that an action takes."""

    name: str
    about: str
    integer: bool
    most: float


class ActionRun(Answer):
    """A run of `production_operations` that concerns the production."""

    run_id: str
    action: str
    scope: str
    by: str
    reason: str
    preview: bool
    state: Literal["queued", "running", "success", "failed"]
    began: datetime | None
    page: str


class Rights(Answer):
    """What the user may do with this production."""

    act: bool
    """Preview and trigger actions."""
    comment: bool
    why_not: str
    """Why the user may not act; empty: the user may."""


class ProductionAnswer(Answer):
    """One run of a production."""

    row: ProductionRow
    description: str
    parameters: dict[str, Any]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    matrix: MatrixView | None
    """Null: the production has no matrix."""
    datasets: tuple[DatasetView, ...]
    story: tuple[StoryLine, ...]
    """The newest first."""
    drift: tuple[DriftLine, ...]
    definition: DefinitionView | None
    """Null: the ledger does not have it."""
    comments: tuple[CommentView, ...]
    questions: tuple[QuestionView, ...]
    runs: tuple[RunRef, ...]
    """The other runs of the production, the newest first."""
    actions: tuple[ActionOffer, ...]
    action_runs: tuple[ActionRun, ...]
    """The newest first."""
    rights: Rights
    links: tuple[Link, ...]
    sources: Sources
