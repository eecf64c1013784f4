from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile, ListedFile, list_checksum
from dirac_prodsys.core.reports.dataset_check import Counted, DatasetCheck, check_dataset

NAMES = ["/sim/a", "/sim/b", "/sim/c"]
LISTED = [ListedFile(name, 10, "0a") for name in NAMES]
THERE = {name: CatalogueFile(name, 10, "0A", 1, ("A-SE",)) for name in NAMES}
WAS = Counted(3, 30, list_checksum(NAMES))


def check(
    held: list[str] = NAMES,
    found: list[str] | None = None,
    files: dict[str, CatalogueFile] = THERE,
    listed: list[ListedFile] | None = LISTED,
    was: Counted = WAS,
    frozen: bool = True,
) -> DatasetCheck:
    now = held if found is None else found
    return check_dataset("/sim/d", was, held, now, files, listed, frozen=frozen)


@pytest.mark.parametrize("listed", [LISTED, None])
def test_a_dataset_of_which_nothing_went_or_changed_holds(listed: list[ListedFile] | None) -> None:
    made = check(listed=listed)
    assert made.holds
    assert (made.was, made.files, made.gone, made.changed) == (3, 3, (), ())
    assert next(made.lines()) == "/sim/d: holds: 3 files, and 3 when it was made"


def test_a_file_that_went_is_named_by_the_list() -> None:
    left = {name: THERE[name] for name in NAMES[:2]}
    made = check(NAMES[:2], files=left)
    assert (made.gone, made.gone_unnamed, made.holds) == (("/sim/c",), 0, False)
    assert "  gone: /sim/c" in list(made.lines())


def test_without_a_list_files_that_went_are_counted() -> None:
    left = {name: THERE[name] for name in NAMES[:1]}
    made = check(NAMES[:1], files=left, listed=None)
    assert (made.gone, made.gone_unnamed, made.holds) == ((), 2, False)
    assert "  gone: 2 files whose names nobody kept" in list(made.lines())


def test_a_changed_file_says_what_it_was() -> None:
    files = {**THERE, "/sim/b": replace(THERE["/sim/b"], size=11, checksum="ff")}
    (changed,) = check(files=files).changed
    assert changed.lfn == "/sim/b"
    assert changed.how == "10 bytes, now 11; checksum 0a, now ff"


def test_a_file_that_was_registered_again_is_not_in_the_dataset_any_more() -> None:
    made = check(NAMES[:2], NAMES)
    assert [one.lfn for one in made.changed] == ["/sim/c"]
    assert "registered again" in made.changed[0].how
    assert not made.gone


def test_a_file_without_any_replica_is_named() -> None:
    files = {**THERE, "/sim/a": replace(THERE["/sim/a"], places=())}
    made = check(files=files)
    assert (made.without_replica, made.holds) == (("/sim/a",), False)


def test_a_file_that_came_since_is_named_and_does_no_harm() -> None:
    for listed in (LISTED, None):
        made = check(found=[*NAMES, "/sim/new"], listed=listed)
        assert (made.came, made.holds) == (("/sim/new",), True)


def test_other_files_in_the_same_number_are_noted_without_a_list() -> None:
    held = ["/sim/a", "/sim/b", "/sim/d"]
    made = check(held, files=THERE, listed=None, frozen=False)
    assert any("not the same ones" in note for note in made.notes)
    sizes = check(listed=None, was=replace(WAS, size=31))
    assert any("with 30 bytes; they had 31" in note for note in sizes.notes)


def test_a_list_of_another_count_is_noted() -> None:
    made = check(was=replace(WAS, list_checksum="0" * 32))
    assert any("not that of the last count" in note for note in made.notes)
