"""Which transformation of a step counts: clearing adopts, and only what was removed begins anew."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.run.fresh_starts import MAX_STARTS, newest, starts, to_create
from dirac_prodsys.errors import Conflict

ONE, TWO, THREE = "p__r__s", "p__r__s__fresh2", "p__r__s__fresh3"


@pytest.mark.parametrize(
    ("statuses", "last", "made"),
    [
        ({}, None, ONE),
        ({ONE: "New"}, ONE, ONE),
        ({ONE: "Active"}, ONE, ONE),
        ({ONE: "Stopped"}, ONE, ONE),
        ({ONE: "Completed"}, ONE, ONE),
        ({ONE: "Archived"}, ONE, ONE),
        ({ONE: "a word of another DIRAC"}, ONE, ONE),
        ({ONE: "Cleaning"}, ONE, TWO),
        ({ONE: "Cleaned"}, ONE, TWO),
        ({ONE: "Deleted"}, ONE, TWO),
        ({ONE: "RemovedFiles"}, ONE, TWO),
        ({ONE: "Cleaned", TWO: "New"}, TWO, TWO),
        ({ONE: "Cleaned", TWO: "Cleaning"}, TWO, THREE),
        # the row of the first one is gone from the database
        ({TWO: "Active"}, TWO, TWO),
        ({TWO: "Cleaned"}, TWO, THREE),
        # somebody has made the first one Active again
        ({ONE: "Active", TWO: "Active"}, TWO, TWO),
    ],
)
def test_the_newest_counts(statuses: dict[str, str], last: str | None, made: str) -> None:
    assert newest(ONE, statuses) == last
    assert to_create(ONE, statuses) == made


@pytest.mark.parametrize("status", list(TransformationStatus))
def test_a_step_begins_anew_only_when_a_person_removed_it(status: TransformationStatus) -> None:
    made = to_create(ONE, {ONE: str(status)})
    assert (made != ONE) == (status in REMOVED_TRANSFORMATION)


def test_it_has_an_end() -> None:
    names = starts(ONE)
    assert len(names) == MAX_STARTS == len(set(names))
    with pytest.raises(Conflict, match="cannot begin anew"):
        to_create(ONE, dict.fromkeys(names, "Cleaned"))


def test_names_are_no_longer_than_dirac_keeps_them() -> None:
    long = "p" * 247
    assert starts(long) == (long, *(f"{long}__fresh{n}" for n in range(2, 10)))
    assert starts("p" * 255) == ("p" * 255,)


def test_passes_of_a_loop_are_steps_of_their_own() -> None:
    assert not set(starts("p__r__s")) & set(starts("p__r__s__2"))
