"""Writes what people say about a run, a step or a dataset.

Invariant: nothing is overwritten: the newest comment counts. A comment is about something that the
production has.
"""

from __future__ import annotations

from datetime import UTC, datetime

from dirac_prodsys.core.reports.ledger.records import CommentRecord
from dirac_prodsys.core.reports.page.answers.actions import CommentBody
from dirac_prodsys.core.reports.page.rows import RunView
from dirac_prodsys.errors import NotFound
from dirac_prodsys.ledger.store import Ledger


def comment_of(
    dag_id: str, body: CommentBody, runs: list[RunView], run: RunView | None, by: str, now: float
) -> CommentRecord:
    """Return the record of a comment.

    :param runs: the runs of the production; :param run: the one that is meant; None: all.
    :raises NotFound: the production has nothing of that name.
    """
    at = datetime.fromtimestamp(now, UTC)
    meant = runs if run is None else [run]
    vo = next((one.book.vo for one in runs if one.book.vo), "")
    campaign = next((one.book.campaign for one in runs if one.book.campaign), "")
    steps = {step.name for one in meant for step in one.steps}
    datasets = {step.track.step.dataset for one in runs for step in one.steps} - {""}
    if body.about in datasets:
        return CommentRecord(at=at, vo=vo, dataset=body.about, text=body.text, by=by)
    if body.about and body.about not in steps:
        raise NotFound(
            f"{dag_id} has no step and no dataset {body.about[:80]!r}",
            "write about the run, one of its steps, or one of its datasets",
        )
    return CommentRecord(
        at=at,
        vo=vo,
        production=dag_id,
        run="" if run is None else run.book.run,
        step=body.about,
        campaign=campaign,
        text=body.text,
        by=by,
    )


def write(ledger: Ledger, record: CommentRecord) -> None:
    """Write a comment.

    :raises LedgerUnavailable: it cannot be written now.
    """
    ledger.write([record])
