"""Defines requests for actions and comments, and what comes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dirac_prodsys.core.reports.page.answers.common import Answer, CommentView, Link, Sources

Name = Annotated[str, Field(max_length=255)]


class ActionBody(BaseModel):
    """A request for an action on a run."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    action: Name
    run: Name
    """The run, by tag or ID."""
    steps: Annotated[tuple[Name, ...], Field(max_length=2500)] = ()
    """None: all steps."""
    tasks: Annotated[int, Field(ge=1)] | None = None
    events: Annotated[float, Field(gt=0)] | None = None
    group_size: Annotated[float, Field(gt=0)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""


class CarryOutBody(ActionBody):
    """A request to carry out what a preview has shown."""

    digest: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    """Digest of the preview: nothing is done if something else would be touched by now."""
    confirm: Annotated[str, Field(max_length=255)] = ""
    """The name of the production, typed by the person, where the action needs it."""


class Started(Answer):
    """A run of `production_operations` has begun: look at `follow` until it has ended."""

    run_id: str
    follow: str
    """Path below the application's address."""
    page: str
    """Path of the run in Airflow."""


class PreviewLine(Answer):
    """One transformation that an action would touch, or not."""

    id: int
    name: str
    step: str
    status: str
    answer: Literal["act", "leave", "refuse"]
    why: str
    tasks: int
    files: int
    bytes: int | None
    size_words: str


class PreviewView(Answer):
    """What an action would do."""

    summary: str
    digest: str
    touches: int
    """Transformations to which something would be done; 0: there is nothing to do."""
    files: int
    bytes: int | None
    rows: tuple[PreviewLine, ...]
    left_out: tuple[str, ...]
    after: str
    """What comes after it, in a sentence."""
    needs_reason: bool
    type_to_confirm: str
    """What the person must type to carry it out; empty: nothing."""


class OutcomeLine(Answer):
    """What an action came to, for one transformation."""

    id: int
    name: str
    step: str
    was: str
    result: Literal["done", "left", "refused", "failed"]
    why: str


class OutcomeView(Answer):
    """What an action came to."""

    summary: str
    good: bool
    rows: tuple[OutcomeLine, ...]


class ActionAnswer(Answer):
    """A run of `production_operations`, as far as it is."""

    run_id: str
    dag_id: str
    """The production that it is for."""
    action: str
    by: str
    reason: str
    state: Literal["queued", "running", "success", "failed"]
    over: bool
    preview: PreviewView | None
    outcome: OutcomeView | None
    problem: str
    """Why it failed; or empty."""
    began: datetime | None
    page: str
    links: tuple[Link, ...]
    sources: Sources


class CommentBody(BaseModel):
    """A comment; the newest counts, and an empty text withdraws the one before."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    about: Annotated[str, Field(max_length=1000)] = ""
    """Empty: the run, or the production; name of a step; or path of a dataset."""
    run: Name = ""
    """Empty: the production, whatever the run."""
    text: Annotated[str, Field(max_length=10_000)]


class CommentWritten(Answer):
    """The comment as it was written."""

    comment: CommentView
