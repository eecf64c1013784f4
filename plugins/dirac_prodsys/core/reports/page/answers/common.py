"""Defines what several answers share: states, bars, amounts, moments and the age of data."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

#: names of colours; the page maps them to the palette of its surroundings
Colour = Literal["green", "blue", "cyan", "yellow", "orange", "red", "purple", "gray"]

#: how a run, or a step, stands
StateKind = Literal[
    "asks",
    "failing",
    "stalled",
    "stopped",
    "outage",
    "waiting",
    "running",
    "not begun",
    "completed",
    "failed",
    "cut short",
    "cleaned",
    "imported",
]

#: what the files or tasks of a step are, at this moment
PartName = Literal["processed", "running", "waiting", "failed", "given up"]


class Answer(BaseModel):
    """Holds what all parts of answers have in common."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class StateView(Answer):
    """How a run, or a step, stands."""

    kind: StateKind
    label: str
    """The state in one or two words: `needs a person`."""
    colour: Colour
    needs_person: bool
    """Nothing goes on, or goes well, before a person acts."""
    reason: str
    """Why, in a sentence; empty: there is nothing to say."""
    since: datetime | None
    """Since when it is so; null: unknown."""
    words: str
    """The whole in one line: `merge waits because 3 files are not processed, since 14:02 UTC`."""


class Part(Answer):
    """One part of a stacked bar."""

    name: PartName
    count: int
    share: float
    """Of the whole bar, 0 to 1."""
    colour: Colour
    words: str
    """`12 files processed`."""


class BarView(Answer):
    """A stacked bar: what became of the files or tasks of a step. Empty parts are left out."""

    unit: Literal["files", "tasks"]
    total: int
    """The sum of the parts; 0: there is nothing yet."""
    parts: tuple[Part, ...]
    words: str
    """`12 of 14 files processed, 2 running`."""


class AmountView(Answer):
    """How much is done, of how much."""

    done: float
    total: float | None
    """Null: unknown."""
    unit: str
    words: str
    """`1,200 of 1,400 files`."""


class Eta(Answer):
    """When it is done: in 8 of 10 cases between `earliest` and `latest`."""

    expected: datetime | None
    earliest: datetime | None
    latest: datetime | None
    why: str
    """Why it is not known; empty: it is known, or all is over."""
    words: str
    """`14:20 UTC ± 25 min`, `not known: too little is done for an estimate`, `done`."""


class Freshness(Answer):
    """How old data are, and why they are not newer."""

    at: datetime | None
    """When they were true; null: never seen."""
    age: float | None
    """Seconds."""
    words: str
    """`12 s old`, `never seen`."""
    stale: bool
    """They are older than they should be: say so beside them."""
    why: str
    """Why; empty: all is well."""


class Sources(Answer):
    """The age of what an answer is made of."""

    made: datetime
    """When the answer was made."""
    refresh: float
    """Seconds after which asking again makes sense."""
    ledger: Freshness
    grid: Freshness
    airflow: Freshness


class DatasetView(Answer):
    """A dataset of a step."""

    name: str
    step: str
    made: bool
    frozen: bool
    retired: bool
    files: int | None
    bytes: int | None
    events: float | None
    places: dict[str, PlaceView]
    """Storage element → what it has of it; empty: unknown."""
    words: str
    """`14 files, 1.2 GB, frozen`; `not made yet`."""


class PlaceView(Answer):
    """Files at a storage element."""

    files: int
    bytes: int | None
    words: str


class Link(Answer):
    """An address. A path that begins with `/` is one of this Airflow, below its base URL."""

    title: str
    href: str


class CommentView(Answer):
    """What a person wrote about a run, a step or a dataset; the newest of each counts."""

    about: str
    """`run`, the name of a step, or the path of a dataset."""
    text: str
    by: str
    at: datetime
