"""What differs from the ledger, and what only changes as it should."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.reports.dataset_check import ChangedFile, DatasetCheck
from dirac_prodsys.core.reports.ledger.drift import (
    Finding,
    FoundDataset,
    KnownTransformation,
    book_of,
    dataset_drift,
    size_now,
    still_differs,
    transformation_drift,
    work_of,
)
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    ActRecord,
    DatasetRecord,
)
from tests.unit.ledger.example_records import BEGIN, counts, step, step_of

LATER = BEGIN + timedelta(days=1)
QUERY = {"run": "r1"}


def known(*records: Record, **more: Any) -> KnownTransformation:
    (found,) = book_of([*records, step(1, **more)]).transformations.values()
    return found


def act(act: str, minute: int, phase: str = "after") -> ActRecord:
    at = BEGIN + timedelta(minutes=minute)
    return ActRecord(at=at, act=act, phase=phase, **step_of(1))


def action(action: str, minute: int, result: str = "done") -> ActionRecord:
    at = BEGIN + timedelta(minutes=minute)
    place = step_of(1) | {"vo": ""}
    return ActionRecord(at=at, action=action, by="ana", phase="after", result=result, **place)


def grid(status: str, name: str = "bands__r1__step1") -> Listed:
    return Listed(1, name, "Merging", "Standard", status, "bands")


def drift(known: KnownTransformation, found: Listed | None) -> Finding | None:
    return transformation_drift(known, found, LATER)[0]


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([], "Deleted"),
        ([counts(1, 5)], "Flush"),
        ([counts(1, 5)], "SomethingNew"),
        ([counts(1, 5, final=True)], "Completed"),
        ([counts(1, 5, final=True), act("complete", 6)], "Archived"),
        ([counts(1, 5), act("stop", 6)], "Stopped"),
        ([counts(1, 5), action("clean", 6)], "Cleaned"),
        ([act("stop", 5), action("resume", 6)], "Active"),
        # a retry after the end changes nothing on the grid
        ([act("complete", 5), act("create", 6), act("start", 7), act("stop", 8)], "Completed"),
        ([counts(1, 5), action("stop", 6, "left")], "Active"),
        ([counts(1, 5), act("stop", 6, "before")], "Active"),
    ],
)
def test_what_is_as_the_ledger_says_is_no_drift(records: Sequence[Record], status: str) -> None:
    assert drift(known(*records), grid(status)) is None


@pytest.mark.parametrize(
    ("records", "status", "to_do"),
    [
        ([counts(1, 5)], "Completed", "clear the wait"),
        ([counts(1, 5)], "Stopped", "dirac-prodsys resume"),
        ([counts(1, 5)], "Cleaned", "clearing its create task"),
        ([act("complete", 6), counts(1, 5)], "Active", "dirac-prodsys stop"),
        ([act("stop", 6)], "Active", "dirac-prodsys stop"),
    ],
)
def test_another_status_is_found_with_what_to_do(
    records: Sequence[Record], status: str, to_do: str
) -> None:
    found = drift(known(*records), grid(status))
    assert found is not None
    assert (found.what, found.found, found.subject) == ("status", status, "bands__r1__step1")
    assert to_do in found.to_do


def test_an_imported_one_is_to_be_taken_in_again() -> None:
    found = drift(known(counts(1, 5), origin="import"), grid("Completed"))
    assert found is not None
    assert "history import 1" in found.to_do


def test_the_same_finding_has_one_key_until_the_ledger_learns_more() -> None:
    def key(minute: int, status: str) -> str:
        found = drift(known(counts(1, minute)), grid(status))
        assert found is not None
        return found.record(LATER + timedelta(minutes=minute)).key

    assert key(5, "Stopped") == key(5, "Stopped")
    assert len({key(5, "Stopped"), key(5, "Completed"), key(6, "Stopped")}) == 3


def test_one_that_is_gone_is_found_unless_it_was_archived_or_removed() -> None:
    ended = known(counts(1, 5, final=True))
    gone = drift(ended, None)
    assert gone is not None
    assert (gone.what, gone.recorded) == ("transformation", "Completed")
    anew = drift(ended, grid("Active", "another"))
    assert anew is not None
    assert "its ID is another now" in anew.text
    assert drift(known(action("clean", 5)), None) is None
    _, lesson = transformation_drift(ended, grid("Archived"), LATER)
    assert lesson is not None
    archived = known(counts(1, 5, final=True), lesson)
    assert transformation_drift(archived, grid("Archived"), LATER) == (None, None)
    assert drift(archived, None) is None


def test_a_finding_is_dropped_when_the_ledger_has_learnt_more_meanwhile() -> None:
    found = drift(known(counts(1, 5)), grid("Completed"))
    assert found is not None
    same = book_of([step(1), counts(1, 5)])
    assert still_differs(found, same)
    assert not still_differs(found, book_of([step(1), counts(1, 5), counts(1, 6, final=True)]))
    (of_files,) = of_dataset(checked(2))
    assert still_differs(of_files, book_of([made()]))
    assert not still_differs(of_files, book_of([made(), made(1, retired=True)]))


def made(minute: int = 0, files: int = 3, **more: Any) -> DatasetRecord:
    at = BEGIN + timedelta(minutes=minute)
    fields = {"dataset": "/sim/d", "files": files, "query": QUERY, "frozen": True, **step_of(1)}
    return DatasetRecord(at=at, **{**fields, **more})


def checked(files: int = 3, **more: Any) -> FoundDataset:
    check = DatasetCheck("/sim/d", frozen=True, was=3, files=files, **more)
    return FoundDataset(True, QUERY, check)


def of_dataset(found: FoundDataset | None, *records: DatasetRecord) -> list[Finding]:
    book = book_of(records or [made()])
    return list(dataset_drift(book.datasets["/sim/d"], found))


def test_a_dataset_that_holds_is_no_drift_and_new_files_are_none() -> None:
    assert of_dataset(checked()) == []
    assert of_dataset(checked(came=("/sim/new",))) == []
    growing = made(files=1, frozen=False)
    assert of_dataset(checked(files=3), growing) == []


@pytest.mark.parametrize(
    ("found", "what", "text"),
    [
        (None, "dataset", "no longer has it"),
        (FoundDataset(False, QUERY), "frozen", "no longer frozen"),
        (FoundDataset(True, {"run": "r2"}), "query", "another query"),
        (FoundDataset(False, trouble="SQL"), "answer", "cannot say what it holds: SQL"),
        (checked(2, gone=("/sim/1",)), "files", "1 file went: /sim/1"),
        (checked(2, gone_unnamed=1), "files", "1 file went"),
        (checked(2), "files", "1 file went"),
        (checked(changed=(ChangedFile("/sim/1", "longer"),)), "changed", "/sim/1: longer"),
        (checked(without_replica=("/sim/1",)), "replicas", "without replica: /sim/1"),
    ],
)
def test_what_differs_of_a_dataset_is_found(
    found: FoundDataset | None, what: str, text: str
) -> None:
    (finding,) = of_dataset(found)
    assert (finding.what, finding.subject) == (what, "/sim/d")
    assert text in finding.text
    assert finding.to_do
    assert finding.place.run == "r1"


def test_its_size_of_now_is_learnt_once_and_it_is_still_compared_with_what_was_made() -> None:
    first = book_of([made()]).datasets["/sim/d"]
    assert size_now(first, checked(), LATER) is None
    assert size_now(first, None, LATER) is None
    now = size_now(first, checked(2, size=20), LATER)
    assert now is not None
    assert (now.files, now.bytes, now.production) == (2, 20, "bands")
    again = book_of([made(), now]).datasets["/sim/d"]
    assert size_now(again, checked(2), LATER) is None
    assert [each.recorded for each in of_dataset(checked(2, gone=("/sim/1",)), made(), now)] == [3]
    back = size_now(again, checked(3), LATER + timedelta(days=1))
    assert back is not None
    assert back.key not in (now.key, made().key)


def test_a_retired_dataset_is_not_missed_until_it_is_made_again() -> None:
    retired = made(1, retired=True)
    assert book_of([made(), retired]).datasets == {}
    anew = book_of([made(), retired, made(2, files=5)]).datasets["/sim/d"]
    assert anew.made.files == 5


def test_work_is_what_a_status_says() -> None:
    words = {word: work_of(word) for word in ("Idle", "Stopped", "Archived", "Deleted", "Odd")}
    assert list(words.values()) == ["goes on", "Stopped", "over", "removed", None]
