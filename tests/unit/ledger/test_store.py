"""The ledger takes each record once, and gives it back as it was written."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.store import Ledger, Search
from tests.unit.ledger.example_records import BEGIN, counts, event, step


def test_what_is_written_twice_is_there_once(ledger: Ledger) -> None:
    batch = [step(1), counts(1, 0), counts(1, 5, 3)]
    ledger.write(batch)
    ledger.write([*batch, counts(1, 9, 4)])
    assert list(ledger.find(Search())) == [*batch, counts(1, 9, 4)]


def test_records_are_searched_by_what_places_them(ledger: Ledger) -> None:
    ledger.write([step(1), step(2, run="r2"), step(3, campaign="c"), counts(1, 5), counts(1, 9)])
    assert [each.step for each in ledger.find(Search(run="r2"))] == ["step2"]
    assert [each.step for each in ledger.find(Search(campaign="c"))] == ["step3"]
    assert ledger.count(Search(production="bands", kinds=("counts",))) == 2
    assert ledger.count(Search(transformation=1, since=BEGIN + timedelta(minutes=6))) == 1
    assert ledger.count(Search(until=BEGIN)) == 0
    assert ledger.first(Search(kinds=("counts",), transformation=1)) == counts(1, 9)
    assert ledger.first(Search(kinds=("counts",), transformation=1), newest=False) == counts(1, 5)
    assert ledger.first(Search(vo="other")) is None


def test_a_record_of_a_later_version_is_given_back_as_it_was(ledger: Ledger) -> None:
    data = {"kind": "weather", "at": "2030-01-01T00:00:00Z", "key": "weather-1", "sky": "clear"}
    ledger.write([Record.from_dict(data)])
    assert [each.to_dict() for each in ledger.find(Search())] == [data]


def test_any_text_is_taken(ledger: Ledger) -> None:
    odd = event(1, by="a\0b \U0001f30d \u2028 \ud800 \x1b[31m", production="a\0\ud800b")
    ledger.write([odd])
    assert list(ledger.find(Search())) == [odd]


def test_threads_and_processes_write_at_once(url: str) -> None:
    def write(name: str) -> None:
        own = Ledger.at(url)
        for number in range(20):
            own.write([event(number, by=name)])
        own.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert Ledger.at(url).count(Search()) == 80


def test_a_file_in_the_way_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("this is no database, and long enough to be looked at" * 9)
    with pytest.raises(LedgerUnavailable, match="ledger does not answer"):
        Ledger.at(f"sqlite:///{tmp_path}/ledger.db").write([step(1)])


@pytest.mark.parametrize("url", ["nonsense", "mysql://a/b", "postgresql+nothing://a/b"])
def test_a_wrong_url_is_an_error_of_ours_without_the_password(url: str) -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        Ledger.at(url.replace("//a", "//me:secret@a"))
    assert "secret" not in str(caught.value)
    assert "ledger_url" in caught.value.hint


def test_a_newer_database_is_used_as_it_is(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write([step(1)])
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("update alembic_version_prodsys set version_num = '9999'")
    again = Ledger.at(f"sqlite:///{tmp_path}/ledger.db")
    again.write([step(2)])
    assert again.count(Search()) == 2


def test_records_are_removed_by_key(ledger: Ledger) -> None:
    ledger.write([step(1), step(2)])
    assert ledger.remove([step(1).key, "unknown"]) == 1
    assert list(ledger.find(Search())) == [step(2)]
