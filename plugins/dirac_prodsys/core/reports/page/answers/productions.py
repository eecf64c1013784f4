"""Defines the list of productions: a row for each run."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from dirac_prodsys.core.reports.page.answers.common import (
    AmountView,
    Answer,
    BarView,
    DatasetView,
    Eta,
    Freshness,
    Sources,
    StateKind,
    StateView,
)

#: by what the rows can be sorted
Sort = Literal["attention", "production", "state", "vo", "progress", "failures", "eta", "changed"]


class StepCell(Answer):
    """A step in the row of its run."""

    step: str
    type: str
    transformation: int | None
    """ID in DIRAC; null: there is none yet."""
    state: StateView
    bar: BarView
    fraction: float
    """How far it is, 0 to 1."""


class ProductionRow(Answer):
    """One run of a production."""

    key: str
    """Unique among all rows."""
    dag_id: str
    production: str
    run: str
    """Its tag, as in names of transformations; it stands in addresses."""
    run_id: str
    """Airflow's ID of the run; empty: Airflow has it no more, or never had it."""
    vo: str
    campaign: str
    owner: str
    """Who began it; empty: a schedule did, or it is unknown."""
    types: tuple[str, ...]
    """Types of its transformations."""
    state: StateView
    grid_state: str
    """What DIRAC's ProductionSystem would call it, as `dirac-prodsys status` says."""
    steps_done: int
    steps_total: int
    steps: tuple[StepCell, ...]
    fraction: float
    """How far the run is, 0 to 1."""
    files: AmountView
    tasks: AmountView
    events: AmountView | None
    """Events made, of those wanted; null: not known."""
    failed_jobs: int
    """Jobs that ended badly, as of now."""
    failures_last_hour: int | None
    """How many more jobs have failed than an hour ago, or when they were first seen since then;
    null: that is unknown."""
    datasets: tuple[DatasetView, ...]
    eta: Eta
    began: datetime | None
    ended: datetime | None
    changed: datetime | None
    """When a count or a state of it changed last."""
    changed_words: str
    """`4 min ago`."""
    seen: Freshness
    """The age of its counts."""
    note: str
    """Note of the run in Airflow."""
    page: str
    """Path of its page: `/dags/…/runs/…`; empty: Airflow has it no more."""


class FilterValue(Answer):
    """A value that can be filtered by, and how many rows have it."""

    value: str
    label: str
    count: int


class Filters(Answer):
    """The values that there are, over all rows that the user may see."""

    vo: tuple[FilterValue, ...]
    campaign: tuple[FilterValue, ...]
    state: tuple[FilterValue, ...]
    type: tuple[FilterValue, ...]


class Asked(Answer):
    """The filters of this answer, as they were understood."""

    vo: tuple[str, ...]
    campaign: tuple[str, ...]
    state: tuple[StateKind, ...]
    type: tuple[str, ...]
    production: str
    text: str
    over: bool
    """Whether runs that are over are shown, too."""
    sort: Sort
    descending: bool


class ProductionsAnswer(Answer):
    """A page of the list of productions."""

    rows: tuple[ProductionRow, ...]
    total: int
    """Rows that fit the filters, on all pages."""
    page: int
    """From 1 on."""
    pages: int
    per_page: int
    need_person: int
    """Rows that fit the filters and need a person."""
    hidden_over: int
    """Runs that fit and are not shown because they are over."""
    asked: Asked
    filters: Filters
    empty: str
    """What to do if there is no row: one sentence; else empty."""
    sources: Sources
