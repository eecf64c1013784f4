"""Keeps the rows of all runs, for all viewers: one look an interval, however many they are.

A thread of the API server reads what is new in the ledger, what Airflow says, and what the grid
says of runs that are not over. Nobody waits for it: a viewer gets what was made last. The first
look shows how all runs stand, before it asks the grid and reads the past of one run after the
other.

Invariant: a source that is away changes nothing but the age of what it said. While nobody looks,
the grid is not asked.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dirac_prodsys.core.reports.page.answers.common import Sources
from dirac_prodsys.core.reports.page.answers.productions import ProductionRow
from dirac_prodsys.core.reports.page.board import KINDS, Board, Book
from dirac_prodsys.core.reports.page.rows import AirflowRun, GridLook, RunView, run_view, seen_of
from dirac_prodsys.core.reports.page.states import LOOKS
from dirac_prodsys.core.reports.page.words import freshness
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.history import beginning, news
from dirac_prodsys.ledger.store import Search
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.page import from_airflow
from dirac_prodsys.provider.page.from_airflow import AirflowView
from dirac_prodsys.provider.page.from_grid import Grids

if TYPE_CHECKING:
    from dirac_prodsys.ledger.store import Ledger

log = logging.getLogger(__name__)

#: seconds between two looks while somebody views, and while nobody does
EVERY, IDLE = 15.0, 60.0
#: seconds for which somebody counts as viewing
_VIEWS = 120.0
#: seconds that the first viewers wait for the first look
_FIRST = 20.0
#: the past of a run that is over is read if it changed in this time, or when somebody looks at it
_RECENT = timedelta(hours=1)
#: seconds for which the past of runs is read in one go, and seconds until the next
_GO, _REST = 1.0, 0.5
#: seconds for which the grids are waited for; what they say later is shown by the next look
_GRID = 5.0
#: seconds after which the row of a run is made anew although nothing has changed, and seconds that
#: this may take at each look
_ROW_AGE, _ROW_SECONDS = 60.0, 1.0

Place = tuple[str, str]


@dataclass(frozen=True)
class Published:
    """What viewers are shown.

    :param views: production and tag → run.
    :param dags: Dags that Airflow has.
    """

    made: float
    views: Mapping[Place, RunView]
    rows: tuple[ProductionRow, ...]
    dags: frozenset[str]
    airflow: AirflowView
    ledger_at: float | None
    ledger_why: str
    airflow_at: float | None
    airflow_why: str
    looks: Mapping[str, GridLook] = field(default_factory=dict)

    def sources(self, now: float) -> Sources:
        """Return the age of what is shown."""
        looks = self.looks.values()
        whys = [look.why for look in looks if look.why]
        seen = [look.at for look in looks if look.at is not None]
        every = max((look.every for look in looks), default=30.0)
        grid = freshness(min(seen) if seen else None, now, every, whys[0] if whys else "")
        if not looks:
            live = any(not LOOKS[view.state.kind].over for view in self.views.values())
            words = "not asked yet" if live else "no run is under way"
            grid = grid.model_copy(update={"stale": False, "words": words})
        return Sources(
            made=datetime.fromtimestamp(now, UTC),
            refresh=EVERY,
            ledger=freshness(self.ledger_at, now, EVERY, self.ledger_why),
            grid=grid,
            airflow=freshness(self.airflow_at, now, EVERY, self.airflow_why),
        )


class _Made(NamedTuple):
    """A run as it was last made, and of what."""

    of: tuple[int, AirflowRun | None, tuple[object, ...]]
    at: float
    view: RunView


class Keeper:
    """Keeps what viewers are shown.

    :param ledger: opens the ledger.
    :param airflow: asks Airflow.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        airflow: Callable[[], AirflowView] = from_airflow.look,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._open_ledger, self._ask_airflow, self.clock = ledger, airflow, clock
        self._ledger: Ledger | None = None
        self.grids = Grids(clock, EVERY)
        self._board = Board()
        self._last: int | None = None
        self._made: dict[Place, _Made] = {}
        self._airflow = AirflowView()
        self._ledger_at: float | None = None
        self._airflow_at: float | None = None
        self._ledger_why = self._airflow_why = ""
        self._published: Published | None = None
        #: seconds of this look for rows of runs in which nothing has changed
        self._spent = 0.0
        self._refreshing = threading.Lock()
        self._asking: threading.Thread | None = None
        self._first = threading.Event()
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._viewed = float("-inf")
        self._thread: threading.Thread | None = None
        #: called after each refresh
        self.after: list[Callable[[Published], object]] = []

    def start(self) -> None:
        """Begin to look, in a thread."""
        if self._thread is None:
            self._ends.clear()
            self._thread = threading.Thread(target=self._run, name="production-page", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ends.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def ledger(self) -> Ledger:
        """Return the ledger.

        :raises LedgerUnavailable: it cannot be opened.
        """
        if self._ledger is None:
            self._ledger = self._open_ledger()
        return self._ledger

    def answering_ledger(self) -> Ledger:
        """Return the ledger, unless it did not answer the last look: no viewer waits for it again.

        :raises LedgerUnavailable: it did not, or it cannot be opened.
        """
        if self._ledger_why:
            raise LedgerUnavailable(self._ledger_why)
        return self.ledger()

    def published(self) -> Published:
        """Return what viewers are shown; the first of them wait for the first look."""
        idle = time.monotonic() - self._viewed > _VIEWS
        self._viewed = time.monotonic()
        if self._thread is None:
            if self._published is None or self.clock() - self._published.made > EVERY:
                self.refresh()
        elif idle:
            self._wake.set()
        self._first.wait(_FIRST)
        found = self._published
        return found if found is not None else self._publish({}, self.clock())

    def with_past(self, place: Place) -> Published:
        """Return what viewers are shown, with the whole past of one run."""
        found = self.published()
        view = found.views.get(place)
        if view is None or view.book.whole:
            return found
        with self._refreshing:
            try:
                self._read_past(self.answering_ledger(), view.book)
            except LedgerUnavailable:
                return found
            before = self._published or found
            views = {**before.views, place: self._view(view.book, self.clock())}
            rows = tuple(one.row for one in views.values())
            self._published = replace(before, views=views, rows=rows)
            return self._published

    def refresh(self, most: float = math.inf) -> Published:
        """Look at all sources, and make what has changed.

        :param most: seconds for which the past of runs is read.
        """
        with self._refreshing:
            self._read_ledger()
            self._read_airflow()
            if self._published is None:
                self._show()
            self._read_pasts(most)
            live = self._live()
        if time.monotonic() - self._viewed <= _VIEWS:
            self._ask_grids(live)
        with self._refreshing:
            found = self._show()
        for each in self.after:
            try:
                each(found)
            except Exception:
                log.exception("what follows a look at all productions failed")
        return found

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self.refresh(_GO)
            except Exception:
                log.exception("the page of productions is not refreshed")
            viewed = time.monotonic() - self._viewed <= _VIEWS
            wait = EVERY if viewed else IDLE
            self._wake.wait(_REST if self._unread() and not self._ledger_why else wait)
            self._wake.clear()

    # -- sources ----------------------------------------------------------------------------------

    def _read_ledger(self) -> None:
        try:
            ledger = self.ledger()
            if self._last is None:
                found = beginning(ledger, KINDS)
                self._board.begin(found.records)
            else:
                found = news(ledger, KINDS, self._last)
                self._board.learn(found.records)
            self._last = found.last
        except LedgerUnavailable as error:
            self._ledger_why = error.reason
            return
        self._ledger_at, self._ledger_why = self.clock(), ""

    def _unread(self) -> list[Book]:
        return self._board.unread(datetime.fromtimestamp(self.clock(), UTC) - _RECENT)

    def _read_pasts(self, most: float) -> None:
        """Read the past of runs, the newest first: estimates are made of it."""
        begin = time.monotonic()
        for book in self._unread():
            if self._ledger_why or time.monotonic() - begin > most:
                return
            try:
                self._read_past(self.ledger(), book)
            except LedgerUnavailable as error:
                self._ledger_why = error.reason

    def _read_past(self, ledger: Ledger, book: Book) -> None:
        search = Search(("counts",), production=book.production, run=book.run)
        self._board.learn_past(book, list(ledger.find(search)))

    def _read_airflow(self) -> None:
        try:
            self._airflow = self._ask_airflow()
        except Exception as error:  # a database that is away raises what its driver raises
            self._airflow_why = f"Airflow's database does not answer: {type(error).__name__}"
            return
        self._airflow_at, self._airflow_why = self.clock(), ""

    def _live(self) -> dict[str, list[int]]:
        """Return the transformations of runs that are not over, by connection."""
        found: dict[str, list[int]] = {}
        for place, book in self._board.books.items():
            made = self._made.get(place)
            if book.ended or (made is not None and LOOKS[made.view.state.kind].over):
                continue
            ids = [track.key[1] for track in book.newest()]
            if ids:
                found.setdefault(_connection(book), []).extend(ids)
        return found

    def _ask_grids(self, live: Mapping[str, list[int]]) -> None:
        """Ask the grids, and go on without those that take long."""
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(
                target=self.grids.look, args=(live,), name="production-grids", daemon=True
            )
            self._asking.start()
        self._asking.join(_GRID)
        if self._asking.is_alive():
            self.grids.is_late()

    # -- what is shown ----------------------------------------------------------------------------

    def _shown(self) -> list[tuple[Place, Book]]:
        books = dict(self._board.books)
        for place, run in self._airflow.runs.items():
            if place not in books and run.state in ("queued", "running"):
                books[place] = Book(*place)  # its first task has not begun yet
        return list(books.items())

    def _view(self, book: Book, now: float) -> RunView:
        place = book.production, book.run
        airflow = self._airflow.runs.get(place)
        look = self.grids.looks.get(_connection(book), GridLook())
        seen = tuple(look.snapshots.get(key[1]) for key in book.tracks)
        of = (book.version, airflow, (*seen, look.why))
        made = self._made.get(place)
        if made is not None and made.of == of:
            if LOOKS[made.view.state.kind].over:
                return made.view
            if now - made.at < _ROW_AGE or self._spent > _ROW_SECONDS:
                row = made.view.row.model_copy(update={"seen": seen_of(book, look, now)})
                return replace(made.view, row=row)
        begin = time.monotonic()
        view = run_view(book, airflow, look, now)
        self._made[place] = _Made(of, now, view)
        if made is not None and made.of == of:
            self._spent += time.monotonic() - begin
        return view

    def _show(self) -> Published:
        now, self._spent = self.clock(), 0.0
        views = {place: self._view(book, now) for place, book in self._shown()}
        found = self._published = self._publish(views, now)
        self._first.set()
        return found

    def _publish(self, views: dict[Place, RunView], now: float) -> Published:
        return Published(
            made=now,
            views=views,
            rows=tuple(view.row for view in views.values()),
            dags=self._airflow.dags,
            airflow=self._airflow,
            ledger_at=self._ledger_at,
            ledger_why=self._ledger_why,
            airflow_at=self._airflow_at,
            airflow_why=self._airflow_why,
            looks=dict(self.grids.looks),
        )


def _connection(book: Book) -> str:
    return book.connection or DiracHook.default_conn_name
