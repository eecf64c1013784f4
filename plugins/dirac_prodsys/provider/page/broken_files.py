"""Reads from Airflow's database which files of productions cannot be imported.

Invariant: as Airflow does: an error of a file with Dags that the user may not read is not shown, or
not its text.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from sqlalchemy import select

from dirac_prodsys.core.reports.page.answers.site import FileError
from dirac_prodsys.core.reports.page.file_errors import file_errors
from dirac_prodsys.provider.page import rights

_HIDDEN = "the file has Dags that you may not read"


def broken_files(user: Any) -> list[FileError]:
    """Return the errors that a user may see, by file."""
    readable = rights.readable(user)
    with create_session() as session:
        errors = session.execute(
            select(
                ParseImportError.filename,
                ParseImportError.bundle_name,
                ParseImportError.stacktrace,
                ParseImportError.timestamp,
            ).order_by(ParseImportError.filename, ParseImportError.id)
        ).all()
        dags: dict[tuple[str | None, str | None], set[str]] = defaultdict(set)
        if errors:
            for served in session.execute(
                select(DagModel.relative_fileloc, DagModel.bundle_name, DagModel.dag_id).where(
                    DagModel.relative_fileloc.in_({one[0] for one in errors})
                )
            ):
                dags[served[0], served[1]].add(served[2])
    found = []
    for file, bundle, text, at in errors:
        own = dags.get((file, bundle), set())
        if own and not own & readable:
            continue
        shown = text or "" if own <= readable else _HIDDEN
        since = at or datetime.now(UTC)
        found += file_errors(shown, file or "", bundle or "", since, served=bool(own))
    return found
