"""What a name means: a production, a run or step of it, a transformation, or a pattern of those."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.reports.meant import Filters, Wanted, choose, wanted
from dirac_prodsys.errors import NotFound
from tests.unit.core.actions.action_words import listed

MANUAL = "manual__2026-11-29T10:00:00+00:00"
LISTED = [
    listed(1, "p__r1__a", status="Completed"),
    listed(2, "p__r1__b", status="Completed"),
    listed(3, "p__r2__a"),
    listed(4, "p__r2__b", status="Cleaned"),
    listed(5, "p__r2__b__fresh2"),
    listed(6, "q__r1__a", status="Completed"),
    listed(7, f"p__{run_tag(MANUAL)}__a", status="Stopped"),
    listed(8, "p__r1__x", group="General"),
    listed(9, "q__r2__a", status="Cleaned"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gamma", Wanted("gamma", production="gamma")),
        ("gam*", Wanted("gam*", production="gam*")),
        ("gamma/merge", Wanted("gamma/merge", production="gamma", step="merge")),
        ("gamma__r1", Wanted("gamma__r1", production="gamma", run="r1")),
        (
            "gamma__r1/m*",
            Wanted("gamma__r1/m*", production="gamma", run="r1", step="m*"),
        ),
        ("gamma__r1__merge", Wanted("gamma__r1__merge", name="gamma__r1__merge")),
        ("gamma__*", Wanted("gamma__*", pattern="gamma__*")),
        ("*__r1__merge", Wanted("*__r1__merge", pattern="*__r1__merge")),
    ],
)
def test_a_name_is_read(text: str, expected: Wanted) -> None:
    assert wanted(text) == expected


@pytest.mark.parametrize(
    ("text", "group"),
    [("gamma", "gamma"), ("gamma__*", "gamma"), ("g*__r1__a", "g*"), ("gamma__r1__a", "")],
)
def test_only_the_groups_that_are_meant_are_listed(text: str, group: str) -> None:
    assert wanted(text).group == group


@pytest.mark.parametrize(
    ("text", "filters", "ids"),
    [
        ("p", Filters(), (7, 3, 5)),
        ("p", Filters(run="*"), (7, 3, 5, 1, 2)),
        ("p", Filters(run="r1"), (1, 2)),
        ("p", Filters(run=MANUAL), (7,)),
        ("p", Filters(run=run_tag(MANUAL)), (7,)),
        ("p", Filters(steps=("b",)), (5,)),
        ("p/b", Filters(), (5,)),
        ("p__r1/b", Filters(), (2,)),
        ("p__r1", Filters(), (1, 2)),
        ("q", Filters(), (9,)),
        ("?", Filters(), (7, 3, 5, 9)),
        ("p__*", Filters(), (1, 2, 3, 4, 5, 7)),
        ("p__*", Filters(run="r2", steps=("b",)), (4, 5)),
        ("*__r1__a", Filters(), (1, 6)),
    ],
)
def test_what_is_meant(text: str, filters: Filters, ids: tuple[int, ...]) -> None:
    choice = choose(wanted(text), LISTED, filters)
    assert choice is not None
    assert choice.ids == ids


def test_runs_that_are_over_are_counted_and_looked_at_again_once_they_were_chosen() -> None:
    choice = choose(wanted("p"), LISTED, Filters())
    assert choice is not None
    assert choice.over == 1
    again = choose(wanted("p"), LISTED, Filters(runs={("p", "r1")}))
    assert again is not None
    assert (again.ids, again.over) == ((1, 2), 0)


@pytest.mark.parametrize("text", ["p__r1__a", "elsewhere", "p__r1__a__b"])
def test_what_only_a_whole_name_can_mean_is_left_to_the_grid(text: str) -> None:
    assert choose(wanted(text), LISTED, Filters()) is None


@pytest.mark.parametrize(
    ("text", "filters", "says", "hint"),
    [
        ("p", Filters(run="r9"), "no run r9 of p; it has p manual-", "dirac-prodsys runs"),
        ("p", Filters(steps=("z",)), "p has no step z", "its steps are a, b"),
        ("p/z", Filters(), "p has no step z", "its steps are a, b"),
        ("z*", Filters(), "no run of z*", "dirac-prodsys runs"),
        ("z/a", Filters(), "no run of z", "dirac-prodsys runs"),
        ("p__*__z", Filters(), "p__*__z means no transformation", "dirac-prodsys runs"),
    ],
)
def test_what_means_nothing_says_the_way_out(
    text: str, filters: Filters, says: str, hint: str
) -> None:
    with pytest.raises(NotFound) as raised:
        choose(wanted(text), LISTED, filters)
    assert says in raised.value.reason
    assert hint in raised.value.hint
