"""Records are delivered in order, each once; a record that is refused holds up no other."""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.delivery import deliver
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, RefusedRecord, Search
from tests.unit.ledger.example_records import event


class Taker:
    """Takes records while it is up, and never some of them."""

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.up = True
        self.refused = refused
        self.taken: list[Record] = []

    def write(self, batch: Sequence[Record]) -> None:
        if not self.up:
            raise LedgerUnavailable("the ledger is away")
        if any(each.key in self.refused for each in batch):
            raise RefusedRecord("too odd")
        self.taken += batch


def test_all_that_waits_is_delivered_in_order(spool: Spool) -> None:
    for number in range(0, 30, 3):
        spool.add([event(number), event(number + 1), event(number + 2)])
    taker = Taker()
    assert deliver(spool, taker).records == 30
    assert taker.taken == [event(number) for number in range(30)]
    assert spool.waiting() == []


def test_a_ledger_that_is_away_is_left_alone_for_a_while(spool: Spool) -> None:
    spool.add([event(1)])
    taker = Taker()
    taker.up = False
    assert deliver(spool, taker).why == "the ledger is away"
    taker.up = True
    assert deliver(spool, taker).records == 0
    assert deliver(spool, taker, pause=0).records == 1


def test_a_delivery_ends_when_its_time_is_over(spool: Spool) -> None:
    for number in range(3):
        spool.add([event(number)] * 1000)
    times = iter([0.0, 1.0, 3.0])
    done = deliver(spool, Taker(), seconds=2.0, clock=lambda: next(times))
    assert (done.records, done.waiting) == (1000, 2)


def test_a_refused_record_is_set_aside_and_the_others_are_delivered(spool: Spool) -> None:
    spool.add([event(1), event(2), event(3)])
    taker = Taker([event(2).key])
    deliver(spool, taker)
    assert taker.taken == [event(1), event(3)]
    assert spool.waiting() == []
    (aside,) = (spool.folder / "refused").iterdir()
    assert event(2).key in aside.read_text()


def test_what_a_killed_delivery_left_is_there_once(spool: Spool, ledger: Ledger) -> None:
    spool.add([event(1), event(2)])
    (path,) = spool.waiting()
    ledger.write(spool.read(path))  # and killed before the file was removed
    deliver(spool, ledger)
    assert list(ledger.find(Search())) == [event(1), event(2)]


def test_no_error_whatever_leaves_a_delivery(spool: Spool) -> None:
    class Broken:
        def write(self, batch: Sequence[Record]) -> None:
            raise ZeroDivisionError

    spool.add([event(1)])
    assert "ZeroDivisionError" in deliver(spool, Broken()).why
    assert len(spool.waiting()) == 1
