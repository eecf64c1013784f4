"""What is said of a dataset agrees, or a rehearsal says in what it does not."""

from __future__ import annotations

from dataclasses import replace

from dirac_prodsys.core.rehearsal.accounts import CATALOGUE, EVENT, LEDGER, Account, disagreements

HAS = Account(3, 300, checksum="0f", frozen=True)


def test_what_one_does_not_know_differs_from_nothing() -> None:
    knows_more = replace(HAS, events=1000)
    assert list(disagreements({CATALOGUE: HAS, LEDGER: knows_more, EVENT: HAS})) == []


def test_each_difference_is_named_with_who_says_what() -> None:
    fewer = replace(HAS, files=2, checksum="aa")
    assert list(disagreements({CATALOGUE: HAS, LEDGER: fewer, EVENT: None})) == [
        "files: the catalogue has 3, and the ledger 2",
        "checksum: the catalogue has 0f, and the ledger aa",
        "the asset event does not have it",
    ]
