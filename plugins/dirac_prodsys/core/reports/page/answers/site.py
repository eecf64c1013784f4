"""Defines what concerns no single run: files with errors, the grid, the summary, comparisons."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from dirac_prodsys.core.reports.page.answers.common import (
    Answer,
    Colour,
    CommentView,
    Freshness,
    Sources,
)


class FileError(Answer):
    """A mistake in a production file, or another error of importing it."""

    file: str
    bundle: str
    line: int | None
    column: int | None
    message: str
    hint: str
    """The way out; or empty."""
    source: str
    """The line of the file; or empty."""
    caret: str
    """Blanks and a `^` that stand below the mistake in `source`; or empty."""
    text: str
    """The whole error as Airflow has it."""
    since: datetime
    served: bool
    """The last good version of the production is still served."""


class ErrorsAnswer(Answer):
    """The broken files."""

    errors: tuple[FileError, ...]
    empty: str
    """What to say if there is none."""
    sources: Sources


class CheckView(Answer):
    """What one check of doctor came to."""

    code: str
    severity: Literal["error", "warning", "note"]
    outcome: Literal["found", "no answer", "not seen", "passed"]
    colour: Colour
    what: str
    way_out: str


class ComponentView(Answer):
    """A component of Airflow, or what watches the grid."""

    name: str
    state: str
    """`healthy`, `unhealthy`, `unknown`."""
    colour: Colour
    last: Freshness
    """When it was last alive."""


class GridAnswer(Answer):
    """The grid and what watches it."""

    connection: str
    answers: bool | None
    """Whether the grid answered the last look; null: nobody has looked yet."""
    words: str
    """`DIRAC answers: last look 12 s ago`; or why it does not."""
    look: Freshness
    """The last look that was answered."""
    proxy_seconds: float | None
    """Lifetime of the proxy; null: unknown."""
    proxy_words: str
    components: tuple[ComponentView, ...]
    checks: tuple[CheckView, ...]
    """What is wrong first."""
    wrong: int
    """How many mistakes and warnings there are; a remark is none, and what cannot be seen."""
    verdict: str
    """`2 things are wrong; 1 remark; 4 cannot be seen from here`."""
    checked: Freshness
    """When the checks were made; they are made anew some minutes apart."""
    sources: Sources


class SummaryColumn(Answer):
    """A column of the summary."""

    key: str
    heading: str


class SummaryLine(Answer):
    """A row of the summary: one dataset."""

    dataset: str
    vo: str
    campaign: str
    productions: tuple[str, ...]
    runs: tuple[str, ...]
    cells: tuple[str, ...]
    """One for each column, as text."""
    missing: int
    """Files that it has lost since it was made."""
    comments: tuple[CommentView, ...]
    comment_about: str
    """What a comment on this row is about: `about` of `POST /api/comments`."""
    dag_id: str
    """`dag_id` of `POST /api/comments`."""


class CampaignAnswer(Answer):
    """The summary of datasets, of a campaign, a production or all."""

    columns: tuple[SummaryColumn, ...]
    rows: tuple[SummaryLine, ...]
    campaigns: tuple[str, ...]
    """The campaigns that there are."""
    productions: tuple[str, ...]
    campaign: str
    production: str
    exports: dict[str, str]
    """Form (`markdown`, `csv`, `json`, `html`) → path below the application's address."""
    empty: str
    sources: Sources


class CompareLine(Answer):
    """A step, or a value, of two runs side by side."""

    name: str
    left: str
    right: str
    same: bool


class CompareAnswer(Answer):
    """Two runs compared."""

    left: str
    right: str
    facts: tuple[CompareLine, ...]
    steps: tuple[CompareLine, ...]
    definition: tuple[CompareLine, ...]
    sources: Sources
