"""A task's records are kept whatever happens, and nothing that happens reaches the task."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.delivery import SECONDS, Sink
from dirac_prodsys.ledger.recorder import Recorder
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, Search
from tests.patience import until
from tests.unit.ledger.example_records import event
from tests.unit.ledger.test_delivery import Taker


def test_records_go_through_the_spool_to_the_ledger(spool: Spool, ledger: Ledger) -> None:
    Recorder(spool, lambda: ledger).write(event(1), event(2))
    assert list(ledger.find(Search())) == [event(1), event(2)]
    assert spool.waiting() == []


def test_a_ledger_that_cannot_be_opened_costs_nothing_but_a_line(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> Sink:
        raise LedgerUnavailable("no such host")

    recorder = Recorder(spool, away)
    recorder.write(event(1))
    recorder.write(event(2))
    assert len(spool.waiting()) == 2
    assert caplog.text.count("no such host") == 1


def test_without_a_disk_records_go_straight_to_the_ledger(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "file").touch()
    Recorder(Spool(tmp_path / "file" / "spool"), lambda: ledger).write(event(1))
    assert list(ledger.find(Search())) == [event(1)]


def test_without_disk_and_ledger_records_wait_in_memory_and_stand_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    taker = Taker()
    taker.up = False
    recorder = Recorder(Spool(tmp_path / "file" / "spool"), lambda: taker)
    recorder.write(event(1))
    assert event(1).key in caplog.text
    taker.up = True
    recorder.write(event(2))
    assert taker.taken == [event(1), event(2)]


def test_a_recorder_without_a_sink_only_spools(spool: Spool) -> None:
    Recorder(spool, None).write(event(1))
    assert len(spool.waiting()) == 1


def test_a_record_that_cannot_be_written_holds_up_no_other(
    spool: Spool, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        kind = "odd"

        def to_json(self) -> str:
            raise ValueError("no JSON")

    recorder = Recorder(spool, lambda: ledger)
    recorder.write(Odd(), event(1))  # type: ignore[arg-type]
    assert list(ledger.find(Search())) == [event(1)]
    assert "a odd cannot be recorded: ValueError: no JSON" in caplog.text


def test_threads_that_write_at_once_lose_nothing(
    spool: Spool, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(spool, lambda: ledger)

    def write(name: str) -> None:
        for number in range(25):
            recorder.write(event(number, by=name))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    recorder.deliver()
    assert ledger.count(Search()) == 100
    assert [one.message for one in caplog.records if one.levelno > logging.INFO] == []


def test_a_ledger_that_hangs_is_left_behind_and_asked_once(
    spool: Spool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen database answers nothing at all, and refuses nothing."""
    answers, asked = threading.Event(), []

    class Hanging(Taker):
        def write(self, batch) -> None:
            asked.append(len(batch))
            answers.wait()
            super().write(batch)

    # of the module that made the class: another test may have imported it again
    monkeypatch.setitem(Recorder.deliver.__globals__, "HANG_SECONDS", 0.1 - SECONDS)
    taker = Hanging()
    recorder = Recorder(spool, lambda: taker)
    for number in range(5):
        recorder.write(event(number))
    assert (asked, taker.taken, len(spool.waiting())) == ([1], [], 5)
    assert caplog.text.count("the ledger hangs") == 1
    with spool.delivering() as may:
        assert not may
    answers.set()
    until("the answer", 30, lambda: len(spool.waiting()) == 4)
    until("the end of the thread", 30, lambda: recorder.deliver().records)
    assert [record.key for record in taker.taken] == [event(number).key for number in range(5)]
