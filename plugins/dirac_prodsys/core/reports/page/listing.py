"""Filters, sorts and pages the rows of the list of productions.

Invariant: pure; the same rows and the same wishes give the same page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from dirac_prodsys.core.reports.page.answers.common import Sources, StateKind
from dirac_prodsys.core.reports.page.answers.productions import (
    Asked,
    Filters,
    FilterValue,
    ProductionRow,
    ProductionsAnswer,
    Sort,
)
from dirac_prodsys.core.reports.page.states import LOOKS, rank

#: most rows of a page
MOST = 1000
#: how long a run that failed stays on the list, if no later run of its production began
_FAILED_STAYS = timedelta(days=14)

_NOTHING = (
    "No run of a production is known yet: put a file into the productions' folder and trigger its "
    "Dag."
)
_NONE_FITS = "No run fits these filters: remove one, or show runs that are over, too."


@dataclass(frozen=True)
class Wishes:
    """What a viewer wants to see; an empty value means all.

    :param over: whether runs that are over are shown, too.
    """

    vo: tuple[str, ...] = ()
    campaign: tuple[str, ...] = ()
    state: tuple[StateKind, ...] = ()
    type: tuple[str, ...] = ()
    production: str = ""
    text: str = ""
    over: bool = False
    sort: Sort = "attention"
    descending: bool = False
    page: int = 1
    per_page: int = 50


def listing(
    rows: Sequence[ProductionRow], wishes: Wishes, sources: Sources
) -> tuple[list[ProductionRow], ProductionsAnswer]:
    """Return the rows of the page, and the answer without them.

    :param rows: those that the viewer may read.
    """
    newest = _newest(rows)
    fitting = [row for row in rows if _fits(row, wishes)]
    over = [row for row in fitting if _is_over(row, newest, sources.made)]
    hides = not wishes.over and not any(LOOKS[kind].over for kind in wishes.state)
    if hides:
        hidden = {row.key for row in over}
        fitting = [row for row in fitting if row.key not in hidden]
    ordered = sorted(fitting, key=_KEYS["changed"])
    ordered.sort(key=_KEYS[wishes.sort], reverse=wishes.descending)
    per_page = max(1, min(MOST, wishes.per_page))
    pages = max(1, -(-len(ordered) // per_page))
    page = min(max(1, wishes.page), pages)
    shown = ordered[(page - 1) * per_page : page * per_page]
    answer = ProductionsAnswer(
        rows=(),
        total=len(ordered),
        page=page,
        pages=pages,
        per_page=per_page,
        need_person=sum(row.state.needs_person for row in ordered),
        hidden_over=len(over) if hides else 0,
        asked=Asked(
            vo=wishes.vo,
            campaign=wishes.campaign,
            state=wishes.state,
            type=wishes.type,
            production=wishes.production,
            text=wishes.text,
            over=wishes.over,
            sort=wishes.sort,
            descending=wishes.descending,
        ),
        filters=_filters(rows),
        empty="" if shown else _empty(rows, sources),
        sources=sources,
    )
    return shown, answer


def _empty(rows: Sequence[ProductionRow], sources: Sources) -> str:
    """Say why there is no row, and what to do."""
    if rows:
        return _NONE_FITS
    if sources.ledger.at is None:
        return f"The ledger was not read yet: {sources.ledger.why or 'look again in a minute'}."
    return _NOTHING


def _newest(rows: Iterable[ProductionRow]) -> dict[str, datetime]:
    """Return when the newest run of each production began."""
    found: dict[str, datetime] = {}
    for row in rows:
        if row.began is not None:
            found[row.production] = max(row.began, found.get(row.production, row.began))
    return found


def _is_over(row: ProductionRow, newest: dict[str, datetime], now: datetime) -> bool:
    if row.state.kind != "failed":
        return LOOKS[row.state.kind].over
    if row.began is not None and newest[row.production] > row.began:
        return True
    return row.ended is not None and now - row.ended > _FAILED_STAYS


def _fits(row: ProductionRow, wishes: Wishes) -> bool:
    return (
        (not wishes.vo or row.vo in wishes.vo)
        and (not wishes.campaign or row.campaign in wishes.campaign)
        and (not wishes.state or row.state.kind in wishes.state)
        and (not wishes.type or not set(wishes.type).isdisjoint(row.types))
        and (not wishes.production or row.production == wishes.production)
        and (not wishes.text or _has(row, wishes.text.casefold().split()))
    )


def _has(row: ProductionRow, words: Sequence[str]) -> bool:
    """Whether a row has all words, somewhere."""
    texts = (
        row.production,
        row.run,
        row.run_id,
        row.vo,
        row.campaign,
        row.owner,
        row.note,
        row.state.label,
        row.state.words,
        *(step.step for step in row.steps),
        *(str(step.transformation) for step in row.steps),
        *(dataset.name for dataset in row.datasets),
    )
    whole = "\n".join(texts).casefold()
    return all(word in whole for word in words)


def _filters(rows: Sequence[ProductionRow]) -> Filters:
    states = Counter(row.state.kind for row in rows)
    return Filters(
        vo=_values(Counter(row.vo for row in rows)),
        campaign=_values(Counter(row.campaign for row in rows)),
        state=tuple(
            FilterValue(value=kind, label=LOOKS[kind].label, count=states[kind])
            for kind in LOOKS
            if states[kind]
        ),
        type=_values(Counter(kind for row in rows for kind in row.types)),
    )


def _values(counts: Counter[str]) -> tuple[FilterValue, ...]:
    return tuple(
        FilterValue(value=name, label=name, count=number)
        for name, number in sorted(counts.items())
        if name
    )


def _late(moment: datetime | None) -> float:
    return inf if moment is None else moment.timestamp()


#: by what rows are sorted; the newest change comes first among equals
_KEYS: dict[Sort, Callable[[ProductionRow], Any]] = {
    "attention": lambda row: (not row.state.needs_person, rank(row.state.kind)),
    "production": lambda row: (row.production.casefold(), row.production),
    "state": lambda row: rank(row.state.kind),
    "vo": lambda row: row.vo.casefold(),
    "progress": lambda row: row.fraction,
    "failures": lambda row: (-(row.failures_last_hour or 0), -row.failed_jobs),
    "eta": lambda row: _late(row.eta.expected),
    "changed": lambda row: -(row.changed.timestamp() if row.changed else 0.0),
}
