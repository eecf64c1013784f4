"""Makes the page of a campaign: the summary of its datasets, with comments.

Invariant: the table is that of ``dirac-prodsys summary``, with the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlencode

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import CommentRecord
from dirac_prodsys.core.reports.page.answers.common import Sources
from dirac_prodsys.core.reports.page.answers.site import (
    CampaignAnswer,
    SummaryColumn,
    SummaryLine,
)
from dirac_prodsys.core.reports.page.run_page import comment
from dirac_prodsys.core.reports.summary.columns import Column, cells
from dirac_prodsys.core.reports.summary.row import SummaryRow
from dirac_prodsys.core.reports.summary.rows import summary_rows

#: forms in which the summary is exported
FORMS = ("markdown", "csv", "json", "html")

_EMPTY = "The ledger has no dataset of this campaign or production yet."


def rows_of(
    records: Iterable[Record], production: str, campaign: str, may_read: Callable[[str], bool]
) -> list[SummaryRow]:
    """Return the rows that a user may read: those whose productions are all readable.

    :param may_read: says whether the user may read a production; one of no name stands for rows
        that no production made.
    """
    found = summary_rows(records, production=production, campaign=campaign)
    return [row for row in found if all(map(may_read, row.productions or ("",)))]


def campaign_page(
    rows: Sequence[SummaryRow],
    records: Iterable[Record],
    columns: Sequence[Column],
    asked: tuple[str, str],
    names: tuple[Sequence[str], Sequence[str]],
    sources: Sources,
) -> CampaignAnswer:
    """Return the page.

    :param records: comments among others.
    :param asked: campaign and production that were asked for; empty: all.
    :param names: campaigns and productions that there are.
    """
    campaign, production = asked
    comments: dict[str, list[CommentRecord]] = {}
    for record in records:
        if isinstance(record, CommentRecord):
            comments.setdefault(record.dataset or record.production, []).append(record)
    wanted = {"campaign": campaign, "production": production}
    given = {name: value for name, value in wanted.items() if value}
    return CampaignAnswer(
        columns=tuple(SummaryColumn(key=one.key, heading=one.heading) for one in columns),
        rows=tuple(_line(row, columns, comments) for row in rows),
        campaigns=tuple(names[0]),
        productions=tuple(names[1]),
        campaign=campaign,
        production=production,
        exports={
            form: f"/api/campaign/export?{urlencode({'form': form, **given})}" for form in FORMS
        },
        empty="" if rows else _EMPTY,
        sources=sources,
    )


def _line(
    row: SummaryRow, columns: Sequence[Column], comments: dict[str, list[CommentRecord]]
) -> SummaryLine:
    about = row.dataset or (row.steps[0] if row.steps else "")
    own = sorted(comments.get(row.dataset, ()), key=lambda one: one.at)
    return SummaryLine(
        dataset=row.dataset,
        vo=row.vo,
        campaign=row.campaign,
        productions=row.productions,
        runs=row.runs,
        cells=tuple(cells(row, columns)),
        missing=row.missing,
        comments=tuple(comment(one) for one in reversed(own) if one.text),
        comment_about=about,
        dag_id=row.productions[0] if row.productions else "",
    )
