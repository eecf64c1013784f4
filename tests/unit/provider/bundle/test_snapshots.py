"""States of the served folder: named by content, whole, and put together again when cleaned."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dirac_prodsys.provider.bundle import snapshots
from dirac_prodsys.provider.bundle.snapshots import SnapshotStore, write

FILES = {"a.py": b"1", "a.yaml": b"2"}


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path, tmp_path / "versions")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_version_is_named_by_what_it_holds(store: SnapshotStore, tmp_path: Path) -> None:
    version = store.keep(FILES)
    assert store.keep(dict(reversed(FILES.items()))) == version
    assert store.keep({**FILES, "a.yaml": b"3"}) != version
    assert content(tmp_path / "versions" / version) == FILES


def test_a_cleaned_version_is_put_together_again(store: SnapshotStore, tmp_path: Path) -> None:
    version = store.keep(FILES)
    store.keep({"b.py": b"1"})
    shutil.rmtree(tmp_path / "versions" / version)
    assert not store.is_complete(version)
    assert store.restore(version)
    assert content(tmp_path / "versions" / version) == FILES


def test_a_half_cleaned_version_is_completed(store: SnapshotStore, tmp_path: Path) -> None:
    version = store.keep(FILES)
    (tmp_path / "versions" / version / "a.yaml").unlink()
    assert not store.is_complete(version)
    store.restore(version)
    assert store.is_complete(version)


def test_an_unknown_version_is_not_made_up(store: SnapshotStore) -> None:
    assert not store.restore("feedbeef")
    assert not store.is_complete("feedbeef")


def test_it_works_on_a_file_system_without_hard_links(
    store: SnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(snapshots.os, "link", no_links)
    assert content(tmp_path / "versions" / store.keep(FILES)) == FILES


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    write(path, b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write(path, b"new")
    assert content(tmp_path) == {"f": b"old"}


@pytest.mark.parametrize("damage", ["empty", "half", "folder", "gone"])
@pytest.mark.parametrize("what", ["objects", "manifests", "versions"])
def test_what_a_power_cut_left_counts_as_absent_and_is_made_again(
    store: SnapshotStore, tmp_path: Path, damage: str, what: str
) -> None:
    version = store.keep(FILES)
    places = {
        "objects": [p for p in (tmp_path / "objects").iterdir() if p.read_bytes() == b"2"],
        "manifests": list((tmp_path / "manifests").iterdir()),
        "versions": [tmp_path / "versions" / version / "a.yaml"],
    }
    for path in places[what]:
        path.unlink()
        if damage == "folder":
            (path / "in the way").mkdir(parents=True)
        elif damage != "gone":
            path.write_bytes(b"" if damage == "empty" else b"{")
    assert store.keep(FILES) == version
    assert store.is_complete(version)
    assert store.restore(version)
    assert content(tmp_path / "versions" / version) == FILES


def test_a_damaged_object_is_never_given_to_a_run(store: SnapshotStore, tmp_path: Path) -> None:
    version = store.keep(FILES)
    shutil.rmtree(tmp_path / "versions" / version)
    for path in (tmp_path / "objects").iterdir():
        if path.read_bytes() == b"2":
            path.write_bytes(b"")
    assert not store.restore(version)
    assert not store.is_complete(version)


def test_versions_that_nobody_needs_go_and_their_objects_with_them(
    store: SnapshotStore, tmp_path: Path
) -> None:
    old, needed, new = (store.keep({"a.py": b"1", "a.yaml": text}) for text in (b"2", b"3", b"4"))
    for folder, mine in (("manifests", f"{new}.json"), ("objects", "")):
        for path in (tmp_path / folder).iterdir():
            if path.name != mine and path.read_bytes() != b"4":
                os.utime(path, (1, 1))
    assert store.forget({needed}, before=1000) == [old]
    assert not store.restore(old)
    for version, text in ((needed, b"3"), (new, b"4")):
        shutil.rmtree(tmp_path / "versions" / version)
        assert store.restore(version)
        assert content(tmp_path / "versions" / version)["a.yaml"] == text
    assert {p.read_bytes() for p in (tmp_path / "objects").iterdir()} == {b"1", b"3", b"4"}
