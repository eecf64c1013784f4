"""Reads from the ledger what it says of one run, and keeps it for when the ledger is away.

Invariant: however many look at a run, it is read once an interval.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import DefinitionRecord
from dirac_prodsys.core.reports.page.board import Book
from dirac_prodsys.core.reports.page.papers import KINDS, Papers, papers_of
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.page.keeper import EVERY, Keeper

#: most runs whose records are kept, the last that were looked at
_KEPT = 64


class _Kept(NamedTuple):
    at: float
    version: int
    papers: Papers


class PapersShelf:
    """Keeps the records of the runs that were looked at last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def papers(self, keep: Keeper, book: Book, before: Book | None) -> Papers:
        """Return the records of a run; the last that were read, where the ledger is away.

        :param before: the run before; None: there is none.
        """
        place = book.production, book.run
        with self._lock:
            there = self._kept.get(place)
            now = keep.clock()
            if there is not None and there.version == book.version and now - there.at < EVERY:
                return there.papers
            try:
                papers = _read(keep.answering_ledger(), book, before)
            except LedgerUnavailable:
                return there.papers if there is not None else Papers()
            self._kept[place] = _Kept(now, book.version, papers)
            self._kept.move_to_end(place)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return papers

    def forget(self, production: str) -> None:
        """Read the runs of a production anew when they are looked at next."""
        with self._lock:
            for place in [one for one in self._kept if one[0] == production]:
                self._kept[place] = self._kept[place]._replace(version=-1)


def _read(ledger: Ledger, book: Book, before: Book | None) -> Papers:
    search = Search(KINDS, production=book.production, run=book.run)
    records: list[Record] = list(ledger.find(search))
    # a comment about the production, or about a dataset, names no run
    records += [
        one for one in ledger.find(Search(("comment",), production=book.production)) if not one.run
    ]
    names = {track.step.dataset for track in book.tracks.values()} - {""}
    if names:
        records += [
            one
            for one in ledger.find(Search(("comment",)))
            if getattr(one, "dataset", "") in names and not one.production
        ]
    records.sort(key=lambda one: one.at)
    wanted = {
        "own": "" if book.began is None else book.began.definition,
        "before": "" if before is None or before.began is None else before.began.definition,
    }
    found: dict[str, DefinitionRecord] = {}
    if any(wanted.values()):
        for one in ledger.find(Search(("definition",), production=book.production)):
            if isinstance(one, DefinitionRecord) and one.digest in wanted.values():
                found[one.digest] = one
    return papers_of(
        records,
        found.get(wanted["own"]),
        found.get(wanted["before"]),
        "" if before is None else before.run,
    )
