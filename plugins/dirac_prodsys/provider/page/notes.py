"""Keeps the note of each run in Airflow current, for Airflow's own lists.

Every API server may do it: a note is written by a statement that holds only while the note is what
it was, and ours, and a minute old. So one of them writes it, and the others change nothing.

Invariant: a note that a person wrote, or changed, is never touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from airflow.models.dagrun import DagRunNote
from airflow.utils.session import create_session
from sqlalchemy import CursorResult, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from dirac_prodsys.core.reports.page.notes import note
from dirac_prodsys.core.reports.page.rows import RunView
from dirac_prodsys.core.reports.page.states import LOOKS
from dirac_prodsys.provider.page.from_airflow import Note
from dirac_prodsys.provider.page.keeper import Published

log = logging.getLogger(__name__)

#: whose name stands at a note of ours
AUTHOR = "dirac_prodsys"
#: shortest time between two changes of a note
EVERY = timedelta(seconds=60)
#: how long after its end a run gets its last note
_LATE = timedelta(hours=1)
#: most notes that are written after one look
_MOST = 200


def _now() -> datetime:
    return datetime.now(UTC)


def keep_notes(found: Published, now: Callable[[], datetime] = _now) -> int:
    """Write the notes that are not current; return how many were written."""
    written = 0
    for place, known in found.airflow.notes.items():
        view = found.views.get(place)
        if view is None or not _is_ours(known) or not _is_due(view, found):
            continue
        text = note(view, found.made)
        if not text or text == known.text:
            continue
        try:
            written += write(known, text, now())
        except SQLAlchemyError as error:  # another look comes soon
            log.warning("notes of runs are not written now: %s", type(error).__name__)
            break
        if written >= _MOST:
            break
    return written


def write(known: Note, text: str, now: datetime) -> bool:
    """Write a note, unless somebody wrote one meanwhile; return whether it was written.

    :param known: the note as it was seen.
    """
    if known.text is None:
        try:
            with create_session() as session:
                made = DagRunNote(content=text, user_id=AUTHOR)
                made.dag_run_id, made.created_at, made.updated_at = known.dag_run, now, now
                session.add(made)
        except IntegrityError:  # somebody was faster, or the run is gone
            return False
        return True
    with create_session() as session:
        done = session.execute(
            update(DagRunNote)
            .where(
                DagRunNote.dag_run_id == known.dag_run,
                DagRunNote.user_id == AUTHOR,
                DagRunNote.content == known.text,
                DagRunNote.updated_at < now - EVERY,
            )
            .values(content=text, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        return cast(CursorResult[Any], done).rowcount == 1


def _is_ours(known: Note) -> bool:
    return known.text is None or known.by == AUTHOR


def _is_due(view: RunView, found: Published) -> bool:
    """Whether the run is under way, or has just ended, and its past is known."""
    if not view.book.whole:
        return False
    if view.airflow is not None and view.airflow.state in ("running", "queued"):
        return bool(view.steps)
    if not LOOKS[view.state.kind].over and view.state.kind != "failed":
        return False
    ended = view.row.ended
    return ended is not None and found.made - ended.timestamp() < _LATE.total_seconds()
