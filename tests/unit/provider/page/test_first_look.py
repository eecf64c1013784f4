"""The first answer waits neither for the past of all runs nor for a grid that takes long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.page import keeper as keepers
from dirac_prodsys.provider.page.keeper import Keeper
from tests.patience import until
from tests.unit.provider.page.conftest import As, Get
from tests.unit.provider.page.scenario import Story
from tests.unit.provider.page.test_grid_looks import Grid, grid  # noqa: F401


class SlowPast:
    """A ledger that gives the counts of a run when it is let."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.let = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def find(self, search: Search, **given: Any) -> Iterator[Record]:
        if search.kinds == ("counts",):
            assert self.let.wait(60)
        return self._ledger.find(search, **given)


@pytest.fixture
def slow(keeper: Keeper, told: Ledger) -> Iterator[SlowPast]:
    found = SlowPast(told)
    keeper._open_ledger = lambda: found  # type: ignore[return-value]
    yield found
    found.let.set()
    keeper.stop()


def row_of(answer: Any, production: str) -> Any:
    return next(row for row in answer["rows"] if row["production"] == production)


def test_a_list_is_there_before_the_past_of_its_runs(
    as_user: As, keeper: Keeper, slow: SlowPast
) -> None:
    vera = as_user("vera")
    keeper.start()
    before = row_of(vera.get("/api/productions").json(), "rings")
    assert before["steps"][1]["bar"]["words"] == "11 of 14 files processed, 1 running, 2 waiting"
    assert before["eta"]["words"] == "not known: its past is being read"
    assert before["failures_last_hour"] is None
    slow.let.set()

    def after() -> Any:
        return row_of(vera.get("/api/productions").json(), "rings")["eta"]["expected"]

    assert until("an estimate", 60, after)


def test_a_slow_grid_holds_nobody_up(
    as_user: As,
    keeper: Keeper,
    grid: Grid,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let, answer = threading.Event(), grid.snapshot

    def hang(ids: Any) -> Any:
        assert let.wait(60)
        return answer(ids)

    monkeypatch.setattr(keepers, "_GRID", 0.05)
    monkeypatch.setattr(grid, "snapshot", hang)
    vera = as_user("vera")
    found = vera.get("/api/productions").json()
    assert row_of(found, "rings")["steps"][1]["bar"]["words"].startswith("11 of 14 files")
    assert found["sources"]["grid"]["why"] == "the grid takes long to answer"
    assert found["sources"]["ledger"]["stale"] is False
    let.set()
    assert keeper._asking is not None
    keeper._asking.join(60)
    after = keeper.refresh()
    assert after.views["rings", next(r for p, r in after.views if p == "rings")].row.seen.why == ""


def test_the_past_of_a_run_that_is_over_is_read_when_somebody_looks(
    get: Get, keeper: Keeper, told: Ledger
) -> None:
    run = Story("bands", "r0", 21, 60 * 24 * 2, tasks=10)
    place = run.production.name, run.run
    told.write([run.counts(1, 60 * 48 - 60 + n, "Active", files={"Processed": n}) for n in (1, 2)])
    get("/api/productions")
    assert not keeper.published().views[place].book.whole
    course = get("/api/dags/bands/runs/r0/steps/merge")["course"]
    assert len(course["points"]) > 1
    assert keeper.published().views[place].book.whole
