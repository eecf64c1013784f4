"""Makes the files of a summary: Markdown, a web page, and JSON.

Invariant: pure. The name of a file follows from what it is about, whatever people call that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.summary.forms import to_json, to_markdown
from dirac_prodsys.core.reports.summary.page import to_html
from dirac_prodsys.core.reports.summary.row import SummaryRow

#: name of the files about everything
ALL = "all"
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")


def file_name(kind: str, name: str) -> str:
    """Return the name of the files about a production or a campaign, without ending.

    :param kind: ``production`` or ``campaign``.
    """
    return f"{kind}-{_OTHER.sub('_', name)}"


def summary_files(
    name: str, title: str, rows: Sequence[SummaryRow], drawn: Iterable[Record], at: datetime
) -> dict[str, str]:
    """Return name of a file → its text.

    :param name: without ending.
    :param drawn: what the plots of the page show.
    """
    return {
        f"{name}.md": to_markdown(rows),
        f"{name}.html": to_html(title, rows, drawn, at),
        f"{name}.json": f"{to_json(rows)}\n",
    }
