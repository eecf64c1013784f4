"""Groups of files in the catalogue: which of them begin a run, and when."""

from __future__ import annotations

from dirac_prodsys.core.run.new_files import FileGroup, due, groups_of, shelf_of


def group(number: int, files: int = 1) -> FileGroup:
    return FileGroup({"obs_id": number}, files)


def test_groups_come_in_the_order_of_their_values() -> None:
    found = groups_of(["obs_id"], {(10,): 1, (9,): 2, ("x",): 3})
    assert [one.values["obs_id"] for one in found] == [9, 10, "x"]


def test_a_key_follows_from_the_values_alone() -> None:
    assert group(7).key == group(7, files=9).key
    assert len({group(7).key, group(8).key, FileGroup({"obs_id": "7"}, 1).key}) == 3
    assert shelf_of(group(7).key).startswith("taken_")


def test_a_group_that_was_taken_is_never_due_again() -> None:
    ready, left = due([group(1), group(2)], {group(1).key}, {}, 0.0, 0.0)
    assert [one.values["obs_id"] for one in ready] == [2]
    assert left == {}


def test_a_group_that_grows_is_due_when_it_has_stopped_growing() -> None:
    left = {}
    log = []
    for now, files in ((0, 1), (60, 2), (120, 3), (179, 3), (180, 3)):
        ready, left = due([group(1, files)], (), left, float(now), 60.0)
        log.append(bool(ready))
    assert log == [False, False, False, False, True]


def test_what_vanished_is_forgotten() -> None:
    _, left = due([group(1)], (), {}, 0.0, 60.0)
    _, left = due([], (), left, 60.0, 60.0)
    assert left == {}
