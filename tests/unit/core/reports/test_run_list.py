"""The runs that a list of transformations is of."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.reports.run_list import at_work, runs_of, with_ids
from tests.unit.core.actions.action_words import listed

MANUAL = "manual__2026-11-29T10:00:00+00:00"


def test_runs_are_listed_by_production_and_the_newest_first() -> None:
    rows = runs_of(
        [
            listed(1, "q__r1__a", status="Completed", created="2026-11-01 10:00:00"),
            listed(2, "q__r1__b", created="2026-11-02 10:00:00"),
            listed(3, "p__r1__a"),
            listed(4, f"q__{run_tag(MANUAL)}__a", status="New"),
            listed(5, "p__r1__a", group="General"),
            listed(6, "p", group="p"),
        ]
    )
    assert [(row.production, row.run) for row in rows] == [
        ("p", "r1"),
        ("q", run_tag(MANUAL)),
        ("q", "r1"),
    ]
    assert rows[2].to_dict() == {
        "production": "q",
        "run": "r1",
        "state": "Active",
        "done": 1,
        "steps": 2,
        "started": "2026-11-01 10:00:00",
        "run_id": "",
    }
    assert [row.run_id for row in with_ids(rows, "q", [MANUAL, "other"])] == ["", MANUAL, ""]


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["New", "New"], "New"),
        (["Active", "New"], "Active"),
        (["Completed", "New"], "Active"),
        (["Stopped", "Completed"], "Stopped"),
        (["Stopped", "Active"], "Active"),
        (["Completed", "Archived"], "Completed"),
        (["Cleaned", "Cleaning"], "Cleaned"),
    ],
)
def test_the_state_of_a_run_is_what_its_transformations_come_to(
    states: list[str], state: str
) -> None:
    (row,) = runs_of(listed(n, f"p__r1__s{n}", status=word) for n, word in enumerate(states, 1))
    assert row.state == state


def test_of_a_step_that_has_begun_anew_the_newest_counts() -> None:
    (row,) = runs_of(
        [
            listed(1, "p__r1__a", status="Completed"),
            listed(2, "p__r1__b", status="Cleaned"),
            listed(3, "p__r1__b__fresh2", status="Cleaned"),
            listed(4, "p__r1__b__fresh3", status="Completed"),
        ]
    )
    assert (row.state, row.done, row.steps) == ("Completed", 2, 2)
    assert [one.listed.id for one in row.newest] == [1, 4]


def test_the_runs_at_work_are_those_that_are_not_over_else_the_newest() -> None:
    rows = runs_of(
        [
            listed(1, "p__r1__a"),
            listed(2, "p__r2__a", status="Completed"),
            listed(3, "q__r1__a", status="Completed"),
            listed(4, "q__r2__a", status="Cleaned"),
        ]
    )
    assert [(row.production, row.run) for row in at_work(rows)] == [("p", "r1"), ("q", "r2")]
