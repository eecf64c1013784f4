"""Versions in a store that several machines share: whole or not used, whoever dies when."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from dirac_prodsys.provider.bundle import snapshots
from dirac_prodsys.provider.bundle.shared_store import SharedStore, StoreAway
from dirac_prodsys.provider.bundle.snapshots import SnapshotStore
from tests.unit.provider.bundle.shared_places import Place, place

__all__ = ["place"]

FILES = {"a.py": b"one", "a.yaml": b"two", "b.py": b"one"}

Machine = Callable[[str], SnapshotStore]


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The snapshots of a machine, by its name."""
    return lambda name: SnapshotStore(tmp_path / name, tmp_path / name / "versions")


@pytest.fixture
def store(place: Place) -> Callable[[], SharedStore]:
    """Opens the store as a new process would."""
    return lambda: SharedStore(place.url, "b")


def content(tmp_path: Path, machine: str, version: str) -> dict[str, bytes]:
    folder = tmp_path / machine / "versions" / version
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def die_at(place: Place, monkeypatch: pytest.MonkeyPatch, turn: int, *, half: bool) -> None:
    """Kill the process after n writes to the store, or in the middle of the next one."""
    write, left = place.files.pipe_file, [turn]

    def pipe_file(_files: Any, path: str, data: bytes) -> None:
        if left[0]:
            write(path, data)
            left[0] -= 1
            return
        if half:
            write(path, data[: len(data) // 2])
        raise Killed

    monkeypatch.setattr(type(place.files), "pipe_file", pipe_file)


def test_another_machine_fetches_a_version_and_only_what_it_misses(
    store: Callable[[], SharedStore], machine: Machine, tmp_path: Path, place: Place
) -> None:
    one, two = machine("one"), machine("two")
    first, second = one.keep(FILES), one.keep({**FILES, "a.yaml": b"three"})
    store().publish(second, one)
    assert len(place.names()) == 3 + 2  # three texts, two manifests
    for version, text in ((first, b"two"), (second, b"three")):
        assert store().fetch(version, two) == ""
        assert two.restore(version)
        assert content(tmp_path, "two", version) == {**FILES, "a.yaml": text}
        place.remove(f"b/manifests/{version}.json")
        assert store().fetch(version, two) == ""


@pytest.mark.parametrize("half", [False, True])
def test_a_writer_that_is_killed_at_any_write_leaves_nothing_that_is_used(
    store: Callable[[], SharedStore],
    machine: Machine,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    half: bool,
) -> None:
    one = machine("one")
    version = one.keep(FILES)
    for turn in range(3):
        for name in place.names():
            place.remove(name)
        with monkeypatch.context() as accident:
            die_at(place, accident, turn, half=half)
            with pytest.raises(Killed):
                store().publish(version, one)
        reader = machine(f"reader-{turn}")
        assert store().fetch(version, reader) != ""
        assert not reader.restore(version)
    store().publish(version, one)
    assert store().fetch(version, machine("two")) == ""
    assert machine("two").restore(version)
    assert content(tmp_path, "two", version) == FILES


def test_a_writer_that_is_killed_after_its_last_write_has_published(
    store: Callable[[], SharedStore],
    machine: Machine,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = machine("one")
    version = one.keep(FILES)
    with monkeypatch.context() as accident:
        die_at(place, accident, 3, half=False)
        store().publish(version, one)
    assert store().fetch(version, machine("two")) == ""


def test_a_reader_that_is_killed_at_any_write_goes_on(
    store: Callable[[], SharedStore],
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = machine("one"), machine("two")
    version = one.keep(FILES)
    store().publish(version, one)
    write = os.replace
    for turn in range(3):
        done = iter(range(turn))

        def replace(source: str, target: str, done: Any = done) -> None:
            if next(done, None) is None:
                raise Killed
            write(source, target)

        with monkeypatch.context() as accident:
            accident.setattr(snapshots.os, "replace", replace)
            with pytest.raises(Killed):
                store().fetch(version, machine(f"two-{turn}"))
        assert not machine(f"two-{turn}").restore(version)
        assert store().fetch(version, machine(f"two-{turn}")) == ""
        assert machine(f"two-{turn}").restore(version)
    assert store().fetch(version, two) == ""
    two.restore(version)
    assert content(tmp_path, "two", version) == FILES


def test_two_writers_between_each_others_writes_publish_both_versions(
    store: Callable[[], SharedStore],
    machine: Machine,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = machine("one"), machine("other")
    mine, theirs = one.keep(FILES), other.keep({**FILES, "a.yaml": b"three"})
    for turn in range(3):
        for name in place.names():
            place.remove(name)
        write, at = place.files.pipe_file, [turn]

        def pipe_file(
            _files: Any, path: str, data: bytes, write: Any = write, at: Any = at
        ) -> None:
            at[0] -= 1
            if at[0] == -1:
                store().publish(theirs, other)
            write(path, data)

        with monkeypatch.context() as at_once:
            at_once.setattr(type(place.files), "pipe_file", pipe_file)
            store().publish(mine, one)
        for version in (mine, theirs):
            reader = machine(f"reader-{turn}")
            assert store().fetch(version, reader) == ""
            assert reader.restore(version)


@pytest.mark.parametrize("damage", ["empty", "half", "other", "gone"])
@pytest.mark.parametrize("what", ["objects", "manifests"])
def test_what_is_damaged_is_told_never_used_and_written_anew_by_the_next_process(
    store: Callable[[], SharedStore],
    machine: Machine,
    place: Place,
    tmp_path: Path,
    damage: str,
    what: str,
) -> None:
    one, two = machine("one"), machine("two")
    version = one.keep(FILES)
    store().publish(version, one)
    name = next(name for name in place.names() if f"/{what}/" in name)
    data = place.read(name)
    place.remove(name)
    if damage != "gone":
        rest = {"empty": b"", "half": data[: len(data) // 2], "other": bytes(len(data))}
        place.write(name, rest[damage])
    lacks = store().fetch(version, two)
    assert f"{place.url}/{name} is {'missing' if damage == 'gone' else 'damaged'}" in lacks
    assert not two.restore(version)
    store().publish(version, one)
    assert place.read(name) == data
    assert store().fetch(version, two) == ""
    assert two.restore(version)
    assert content(tmp_path, "two", version) == FILES


def test_a_damaged_file_of_this_machine_does_not_reach_the_store(
    store: Callable[[], SharedStore], machine: Machine, place: Place, tmp_path: Path
) -> None:
    one = machine("one")
    version = one.keep(FILES)
    damaged = next((tmp_path / "one" / "objects").iterdir())
    damaged.write_bytes(b"")
    store().publish(version, one)
    assert f"b/objects/{damaged.name}" not in place.names()
    assert "is missing" in store().fetch(version, machine("two"))
    one.keep(FILES)
    store().publish(version, one)
    assert store().fetch(version, machine("two")) == ""


def test_what_is_published_is_not_read_or_written_again(
    store: Callable[[], SharedStore],
    machine: Machine,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = machine("one")
    same, first = store(), one.keep(FILES)
    same.publish(first, one)
    second = one.keep({**FILES, "a.yaml": b"three"})
    written: list[str] = []
    write = place.files.pipe_file
    monkeypatch.setattr(
        type(place.files),
        "pipe_file",
        lambda _files, path, data: [written.append(path), write(path, data)],
    )
    same.publish(second, one)
    assert [path.rpartition("/")[2][-5:] for path in written] == [written[0][-5:], ".json"]
    same.publish(first, one)
    assert len(written) == 2


def test_a_store_that_is_away_lets_a_task_run_again_and_says_why(
    store: Callable[[], SharedStore],
    machine: Machine,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    version = machine("one").keep(FILES)
    monkeypatch.setattr(type(place.files), "cat_file", refuse)
    for act, who in ((SharedStore.fetch, "two"), (SharedStore.publish, "one")):
        with pytest.raises(StoreAway) as raised:
            act(store(), version, machine(who))
        assert isinstance(raised.value, AirflowRescheduleException)
        assert raised.value.reschedule_date > datetime.now(UTC)
        assert "Connection refused" in str(raised.value)
        assert place.url in str(raised.value)


@pytest.mark.parametrize("url", ["nowhere://bucket/x", "file:///no/such/folder"])
def test_a_store_that_does_not_exist_is_told(machine: Machine, url: str) -> None:
    one = machine("one")
    with pytest.raises(StoreAway, match=r"nowhere|No such file"):
        SharedStore(url, "b").publish(one.keep(FILES), one)
    assert not Path("/no").exists()


def test_versions_that_nobody_needs_go_from_the_store(
    store: Callable[[], SharedStore], machine: Machine, place: Place
) -> None:
    one = machine("one")
    old, needed = (one.keep({"a.py": b"1", "a.yaml": text}) for text in (b"2", b"3"))
    same = store()
    same.publish(needed, one)
    assert same.forget({needed}, before=time.time() - 3600) == []
    assert same.forget({needed}, before=time.time() + 3600) == [old]
    assert "is missing" in store().fetch(old, machine("two"))
    assert store().fetch(needed, machine("two")) == ""
    assert len(place.names()) == 3
    # it is written again by a process that still has it
    same.publish(old, one)
    assert store().fetch(old, machine("three")) == ""


def test_the_index_is_whole_or_not_there(store: Callable[[], SharedStore], place: Place) -> None:
    assert store().index() is None
    store().publish_index(b"what is\nserved")
    assert store().index() == b"what is\nserved"
    place.write("b/index.json", place.read("b/index.json")[:-1])
    assert store().index() is None
