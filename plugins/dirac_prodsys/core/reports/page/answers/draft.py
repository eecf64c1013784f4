"""Defines a production that is being written, what to begin with, and runbooks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from dirac_prodsys.core.reports.page.answers.common import Answer
from dirac_prodsys.core.reports.page.answers.production import Edge, Node

#: most characters of a text that is checked here
MOST = 200_000


class KeyView(Answer):
    """A key that may stand at a place of a production."""

    key: str
    about: str
    needed: bool
    words: tuple[str, ...]
    """Values that it takes; empty: others."""
    below: str
    """Model of the value; empty: it is no mapping of known keys."""
    entries: str
    """Model of each entry of its mapping or list; empty: they have no known keys."""


class TemplateView(Answer):
    """A text to begin with; `@NAME@` and `@VO@` are to be replaced."""

    name: str
    about: str
    text: str


class HandIn(Answer):
    """Whether the user may hand a file to the folder of productions."""

    allowed: bool
    why_not: str
    """What to do instead; empty: it is allowed."""


class NewAnswer(Answer):
    """What somebody needs who writes a production."""

    templates: tuple[TemplateView, ...]
    keys: dict[str, tuple[KeyView, ...]]
    """Model → its keys; `File` is the whole."""
    hand_in: HandIn
    most: int
    """Most characters of a text."""


class DraftBody(BaseModel):
    """A text to check."""

    text: str = Field(max_length=MOST)


class HandInBody(DraftBody):
    """A text to hand to the folder of productions."""

    name: str = Field(max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name of the file, without its ending."""


class HandedIn(Answer):
    """A new file in the folder of productions."""

    file: str
    words: str
    """What comes next."""


class DraftFinding(Answer):
    """A finding in the text."""

    line: int
    column: int
    severity: Literal["error", "warning", "note"]
    code: str
    message: str
    hint: str


class PlannedRow(Answer):
    """One thing that a step sends."""

    label: str
    words: str


class PlannedStep(Answer):
    """What a step would send to DIRAC."""

    step: str
    type: str
    rows: tuple[PlannedRow, ...]


class DraftAnswer(Answer):
    """What is found in a text, and what a run of it would be."""

    name: str
    """Name of the production; empty: it cannot be read."""
    words: str
    """`2 errors, 1 warning`."""
    findings: tuple[DraftFinding, ...]
    broken: bool
    """Whether there is an error: no run can begin."""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    steps: tuple[PlannedStep, ...]
    """The plan; empty: there are errors."""


class RunbookPart(Answer):
    """A part of a runbook, in Markdown without links."""

    title: str
    text: str


class RunbookAnswer(Answer):
    """What to do about a notice or an alert."""

    name: str
    title: str
    parts: tuple[RunbookPart, ...]
