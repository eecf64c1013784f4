"""Which file carries which value."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.steps.file_values import MAX_TURNS, turns


def test_as_many_values_as_files_go_by_position_and_the_others_by_turns() -> None:
    first, second = turns({"split": ["a", "b", "c"], "nsb": [1, 5], "angle": "0.0"}, files=2)
    assert first == tuple({"split": s, "nsb": 1, "angle": "0.0"} for s in "abc")
    assert second == tuple({"split": s, "nsb": 5, "angle": "0.0"} for s in "abc")


def test_one_file_a_task_gets_every_combination_in_turn() -> None:
    (only,) = turns({"split": ["a", "b"], "nsb": [1, 5, 19]}, files=1)
    assert len(only) == 6
    assert {(one["split"], one["nsb"]) for one in only} == {
        (s, n) for s in "ab" for n in (1, 5, 19)
    }


def test_files_of_one_task_differ_where_values_are_not_placed() -> None:
    made = turns({"split": ["a", "b", "c"]}, files=2)
    dealt = [own[task % len(own)]["split"] for task in range(3) for own in made]
    assert dealt == ["a", "b", "c", "a", "b", "c"]


def test_nothing_to_carry_and_too_much() -> None:
    assert turns({}, files=2) == [(), ()]
    assert turns({"nsb": 1}, files=0) == []
    many = list(range(MAX_TURNS))
    with pytest.raises(ValueError, match="2,000 combinations"):
        turns({"run": many, "nsb": [1, 5]}, files=1)
