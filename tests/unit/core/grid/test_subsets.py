from __future__ import annotations

from collections import Counter

import pytest

from dirac_prodsys.core.grid.subsets import Subset, divide, read_subsets
from dirac_prodsys.errors import DefinitionError

TWO = (Subset("train", 8), Subset("test", 2))
FILES = {f"/sim/f{number}": f"/sim/f{number}" for number in range(2000)}


def test_shares_are_integers() -> None:
    assert read_subsets(["train=8", "test=2"]) == TWO


@pytest.mark.parametrize(
    "texts",
    [["train"], ["train=0", "test=1"], ["train=0.8", "test=0.2"], ["a=1", "a=2"], ["a=1"], []],
)
def test_what_is_no_division_is_refused(texts: list[str]) -> None:
    with pytest.raises(DefinitionError):
        read_subsets(texts)


def test_each_subset_gets_about_its_share() -> None:
    counts = Counter(divide(FILES, TWO).values())
    assert sum(counts.values()) == 2000
    assert 1540 < counts["train"] < 1660


def test_the_same_files_are_divided_the_same_way_and_files_that_come_later_move_none() -> None:
    some = dict(list(FILES.items())[:500])
    made = divide(FILES, TWO)
    assert divide(some, TWO) == {lfn: made[lfn] for lfn in some}
    # a place that was published once stays for ever
    assert divide({"/sim/a": "/sim/a", "/sim/b": "/sim/b", "/sim/c": "/sim/c"}, TWO) == {
        "/sim/a": "train",
        "/sim/b": "train",
        "/sim/c": "test",
    }


def test_another_salt_gives_another_division() -> None:
    assert divide(FILES, TWO) != divide(FILES, TWO, "second")


def test_files_with_one_value_stay_together() -> None:
    keys = {lfn: str(number // 10) for number, lfn in enumerate(FILES)}
    made = divide(keys, TWO)
    for run in range(200):
        assert len({made[f"/sim/f{run * 10 + part}"] for part in range(10)}) == 1
