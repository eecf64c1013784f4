"""A dataset has one row, whoever made it; it shows what it was and what it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CommentRecord,
    CountsRecord,
    DatasetRecord,
    StepRecord,
    StorageRecord,
    SummaryRecord,
)
from dirac_prodsys.core.reports.summary.row import SummaryRow
from dirac_prodsys.core.reports.summary.rows import summary_rows

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(hours: float = 0, number: int = 7, run: str = "r1", step: str = "merge") -> dict[str, Any]:
    return {
        "at": AT + timedelta(hours=hours),
        "vo": "sim",
        "production": "bands",
        "run": run,
        "step": step,
        "transformation": number,
        "name": f"bands__{run}__{step}",
        "campaign": "spring",
    }


DATASET = "/sim/datasets/bands"


def only(records: list[Record], **chosen: str) -> SummaryRow:
    (row,) = summary_rows(records, **chosen)
    return row


def test_a_dataset_shows_what_it_was_when_it_was_frozen_and_what_it_is() -> None:
    row = only(
        [
            StepRecord(**at(), dataset=DATASET, tasks=10, events_per_file=200),
            DatasetRecord(**at(1), dataset=DATASET, files=3, bytes=30),
            DatasetRecord(
                **at(2),
                dataset=DATASET,
                files=10,
                bytes=100,
                frozen=True,
                query={"step": "merge"},
                run_ranges=("1-10",),
            ),
            DatasetRecord(**at(9), dataset=DATASET, files=8, bytes=70, frozen=True),
            CountsRecord(**at(), status="Active"),
            CountsRecord(**at(2), status="Completed", final=True),
        ]
    )
    assert (row.files, row.bytes, row.missing) == ((10, 8), (100, 70), 2)
    assert (row.events, row.target) == ((2000.0, 1600.0), 2000.0)
    assert (row.transformations, row.status) == ((7,), "Completed")


def test_what_did_not_change_is_one_number() -> None:
    first = DatasetRecord(**at(1), dataset=DATASET, files=10, bytes=100, frozen=True)
    again = DatasetRecord(**at(5), dataset=DATASET, files=10, bytes=100, frozen=True, checksum="a")
    row = only([again, StepRecord(**at(), dataset=DATASET), first])
    assert (row.files, row.bytes, row.events, row.target) == ((10,), (100,), (), None)


def test_two_transformations_that_made_one_dataset_have_one_row() -> None:
    row = only(
        [
            CountsRecord(**at(3, 349, "r2"), status="Active"),
            StepRecord(**at(2, 349, "r2"), dataset=DATASET, target=100.0),
            StepRecord(**at(0, 285), dataset=DATASET, target=300.0),
            CountsRecord(**at(1, 285), status="Completed"),
            StorageRecord(**at(3, 349, "r2"), files=4, bytes=40),
            StorageRecord(**at(3, 285), files=6, bytes=60, events=9.0),
        ]
    )
    assert (row.transformations, row.runs, row.status) == (
        (285, 349),
        ("r1", "r2"),
        "Completed, Active",
    )
    assert (row.files, row.bytes, row.events, row.target) == ((10,), (100,), (), 400.0)


def test_an_id_that_occurs_again_after_a_database_began_anew_is_another_transformation() -> None:
    old = {**at(), "production": "older", "name": "older__r1__merge"}
    rows = summary_rows([StepRecord(**at(5)), StepRecord(**old), CountsRecord(**old, status="X")])
    assert [(row.productions, row.status) for row in rows] == [(("older",), "X"), (("bands",), "")]


def test_steps_without_a_dataset_have_rows_only_where_their_run_makes_none() -> None:
    sim, merge = StepRecord(**at(0, 6, step="sim")), StepRecord(**at(0, 7), dataset=DATASET)
    other = StepRecord(**at(1, 8, "r2", "sim"))
    imported = StepRecord(at=AT, vo="sim", transformation=3, name="by hand", origin="import")
    rows = summary_rows([sim, merge, other, imported])
    assert [row.transformations for row in rows] == [(3,), (7,), (8,)]


def test_the_newest_comment_counts() -> None:
    step = StepRecord(**at(), dataset=DATASET)
    about = {"vo": "sim", "dataset": DATASET}
    old = CommentRecord(at=AT, text="suspicious", **about)
    new = CommentRecord(at=AT + timedelta(hours=1), text="it was a site", **about)
    of_step = CommentRecord(**at(2), text="two tries")
    elsewhere = CommentRecord(**{**at(2), "production": "other"}, text="not this one")
    assert only([step, new, old]).comment == "it was a site"
    assert only([step, new, of_step, old, elsewhere]).comment == "it was a site; two tries"
    withdrawn = CommentRecord(at=AT + timedelta(hours=3), text="", **about)
    assert only([step, new, withdrawn]).comment == ""


def test_a_comment_on_a_row_that_a_site_entered_replaces_that_of_the_row() -> None:
    entered = SummaryRecord(at=AT, vo="sim", dataset="Old", comment="odd", number=1)
    assert only([entered]).comment == "odd"
    later = CommentRecord(at=AT, vo="sim", dataset="Old", text="explained")
    assert only([entered, later]).comment == "explained"


def test_a_production_or_a_campaign_is_chosen_with_all_that_belongs_to_it() -> None:
    mine, entered = StepRecord(**at(), dataset=DATASET), SummaryRecord(at=AT, campaign="winter")
    dataset = DatasetRecord(at=AT, vo="sim", dataset=DATASET, files=2)
    comment = CommentRecord(at=AT, vo="sim", dataset=DATASET, text="fine")
    records: list[Record] = [mine, entered, dataset, comment]
    assert len(summary_rows(records)) == 2
    for chosen in ({"production": "bands"}, {"campaign": "spring"}):
        row = only(records, **chosen)
        assert (row.files, row.comment) == ((2,), "fine")
    assert only(records, campaign="winter").transformations == ()
    assert summary_rows(records, production="none") == []


def test_a_dataset_that_was_removed_says_so() -> None:
    step = StepRecord(**at(), dataset=DATASET)
    made = DatasetRecord(**at(1), dataset=DATASET, files=4, frozen=True)
    gone = DatasetRecord(**at(2), dataset=DATASET, files=0, retired=True)
    row = only([step, made, gone])
    assert (row.status, row.files) == ("retired", (4, 0))
