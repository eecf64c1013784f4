"""Which transformations a person names, and what the ledger takes of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.ledger.imported import (
    chosen,
    imported_counts,
    imported_step,
    place_of,
)
from dirac_prodsys.core.reports.ledger.made_from import Place
from dirac_prodsys.errors import NotFound

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def one(number: int, name: str, group: str = "General", **more: object) -> Listed:
    return Listed(number, name, "Merging", "Standard", "Active", group, vo="sim", **more)


ALL = [
    one(1, "Prod6_a", "Prod6"),
    one(2, "Prod6_b", "Prod6"),
    one(3, "bands__r1__merge", "bands"),
    one(4, "bands__r2__merge", "bands"),
    one(5, "bands__r2__index", "bands"),
    one(6, "x__y__z"),
]


def seen(status: str = "Active", **more: object) -> Snapshot:
    return Snapshot(1, "Prod6_a", "Merging", TransformationStatus(status), **more)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("2", [2]),
        ("Prod6_b", [2]),
        ("Prod6_*", [1, 2]),
        ("Prod6", [1, 2]),
        ("bands", [3, 4, 5]),
        ("bands/merge", [3, 4]),
        ("b*/ind*", [5]),
        ("bands__r2", [4, 5]),
        ("*__merge", [3, 4]),
    ],
)
def test_a_name_means(text: str, ids: list[int]) -> None:
    assert [each.id for each in chosen([text], ALL)] == ids


def test_each_is_taken_once_by_id_and_nothing_is_left_out_silently() -> None:
    assert [each.id for each in chosen(["bands", "1", "*__merge"], ALL)] == [1, 3, 4, 5]
    for text in ("7", "prod6_a", "bands/none", "bands__r3", "x/z"):
        with pytest.raises(NotFound, match=text):
            chosen(["Prod6", text], ALL)


def test_ours_keeps_its_place_and_others_belong_to_their_group_or_production() -> None:
    ours = place_of(ALL[2], "other", "given")
    assert ours == Place("sim", "bands", "r1", "merge", 3, "bands__r1__merge")
    assert place_of(ALL[0], "").production == "Prod6"
    theirs = place_of(ALL[5], "", "given")  # the name looks like ours, and the group is not
    assert theirs == Place("sim", "given", "", "x__y__z", 6, "x__y__z")
    assert place_of(Listed(7, "a", "User", "", "New", "General"), "own").vo == "own"


def test_a_step_is_of_the_day_on_which_it_was_created() -> None:
    listed = one(1, "Prod6_a", "Prod6", created="2024-05-06 07:08:09", events_per_task=50)
    place = place_of(listed, "")
    step = imported_step(listed, seen(group_size=3.0, max_tasks=9), place, NOW)
    assert step.at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (step.tasks, step.group_size, step.events_per_file) == (9, 3.0, 50)
    query = MetaQuery.parse({"run": "1"})
    other = imported_step(one(1, "Prod6_a", "Prod6"), seen(max_tasks=9), place, NOW, query=query)
    assert (other.at, other.tasks) == (NOW, None)
    assert other.key == step.key
    assert imported_step(listed, None, place, NOW).group_size is None


def test_counts_are_taken_when_they_are_news() -> None:
    place = place_of(ALL[0], "")
    first = imported_counts(seen(tasks={"Done": 1}), place, NOW, None)
    assert first is not None
    assert not first.final
    assert imported_counts(seen(tasks={"Done": 1}), place, NOW, first) is None
    ended = imported_counts(seen("Completed", tasks={"Done": 2}), place, NOW, first)
    assert ended is not None
    assert ended.final
    assert ended.key == imported_counts(seen("Completed"), place, datetime.now(UTC), first).key
    assert imported_counts(seen("Archived"), place, NOW, first) is None
    assert imported_counts(seen("Archived"), place, NOW, None) is not None
    assert imported_counts(seen("Cleaned"), place, NOW, ended) is None
