"""Which completed steps take the files that came since."""

from __future__ import annotations

from dirac_prodsys.core.actions.preview import preview
from dirac_prodsys.core.actions.reopening import MOST, Came, generations, steps_of_runs
from dirac_prodsys.core.actions.selection import Selection
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from tests.unit.core.actions.action_words import listed, request

FIRST = listed(1, "p__r1__a", status="Completed")


def row(one: Listed, came: Came, *others: Listed) -> tuple[str, str, int | None]:
    """The answer, why, and the number of the generation."""
    seen = {one.id: Snapshot(one.id, one.name, one.type, TransformationStatus(one.status))}
    made = preview(
        request("reopen"), Selection((one,)), seen, {}, came={one.id: came}, others=[one, *others]
    )
    (found,) = made.rows
    return found.answer, found.why, found.total


def test_new_files_make_a_second_generation() -> None:
    assert row(FIRST, Came(3, 30)) == ("act", "3 new files → run r1.g2", 2)


def test_without_new_files_nothing_is_done() -> None:
    assert row(FIRST, Came())[:2] == ("leave", "no files came that it has not taken")


def test_the_next_one_has_the_number_after_the_last_of_any_step() -> None:
    others = [
        listed(2, "p__r1.g2__b", status="Completed"),
        listed(3, "p__r1.g3__a", status="Cleaned"),
        listed(4, "p__r2.g7__a", status="Completed"),
        listed(5, "q__r1.g9__a", status="Completed"),
    ]
    assert row(FIRST, Came(1), *others)[2] == 4


def test_one_generation_is_at_work_at_a_time() -> None:
    answer, why, _ = row(FIRST, Came(1), listed(2, "p__r1.g2__b", status="Stopped"))
    assert answer == "refuse"
    assert "p__r1.g2__b" in why


def test_what_cannot_be_known_is_refused() -> None:
    assert row(FIRST, Came(refused="nobody knows"))[:2] == ("refuse", "nobody knows")


def test_a_later_generation_is_not_reopened_itself() -> None:
    answer, why, _ = row(listed(2, "p__r1.g2__a", status="Completed"), Came(1))
    assert (answer, why) == ("leave", "generation 2 of run r1: reopen that run")


def test_there_is_an_end() -> None:
    last = listed(2, f"p__r1.g{MOST}__a", status="Completed")
    assert row(FIRST, Came(1), last)[0] == "refuse"


def test_steps_that_take_no_files_and_those_that_go_on_are_left() -> None:
    assert (
        row(listed(1, "p__r1__a", type="MCSimulation", status="Completed"), Came(1))[0] == "leave"
    )
    assert row(listed(1, "p__r1__a"), Came(1))[0] == "leave"


def test_generations_of_others_do_not_count() -> None:
    foreign = listed(2, "p__r1.g5__a", status="Active", group="somebody")
    assert generations("p", "r1", [FIRST, foreign]).last == 1


def test_steps_by_run() -> None:
    names = ["p__r1__a", "p__r1__b", "p__r2__a", "p__r1__a", "mine"]
    assert steps_of_runs(names) == {"r1": ("a", "b"), "r2": ("a",)}
