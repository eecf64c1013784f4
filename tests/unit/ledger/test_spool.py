"""Records wait on disk, in order; what was killed half-way is not there."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dirac_prodsys.ledger import spool as spool_module
from dirac_prodsys.ledger.spool import Spool
from tests.unit.ledger.example_records import event, step


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let every write beyond that size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_records_come_back_in_order(spool: Spool) -> None:
    batches = [[event(1), event(2)], [event(3)], [step(4)]]
    for batch in batches:
        spool.add(batch)
    assert [spool.read(path) for path in spool.waiting()] == batches


def test_any_text_comes_back_as_it_was(spool: Spool) -> None:
    odd = [event(1, by="a\nb\0 \u2028 \x85 \ud800 \U0001f30d"), event(2)]
    spool.add(odd)
    (path,) = spool.waiting()
    assert spool.read(path) == odd


def test_a_damaged_file_holds_up_no_other(spool: Spool) -> None:
    spool.add([event(1)])
    (path,) = spool.waiting()
    path.write_bytes(b"\xff\xfe\n" + path.read_bytes())
    assert spool.read(path) == [event(1)]


def test_what_was_delivered_is_gone_and_may_be_gone_already(spool: Spool) -> None:
    spool.add([event(1)])
    (path,) = spool.waiting()
    spool.done(path)
    spool.done(path)
    assert spool.waiting() == []


def test_nothing_half_written_is_left_when_the_disk_is_full(spool: Spool) -> None:
    with no_file_larger_than(10), pytest.raises(OSError):
        spool.add([event(1)])
    assert list(spool.folder.iterdir()) == []
    spool.add([event(1)])
    assert len(spool.waiting()) == 1


def test_the_reserve_makes_room_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool", reserve=4096)
    spool.add([event(1)])
    reserve = spool.folder / "reserve"
    assert reserve.stat().st_size == 4096
    synchronise = os.fsync

    def full(descriptor: int) -> None:
        if reserve.stat().st_size:
            raise OSError(28, "No space left on device")
        synchronise(descriptor)

    monkeypatch.setattr(spool_module.os, "fsync", full)
    spool.add([event(2)])
    assert [spool.read(path) for path in spool.waiting()] == [[event(1)], [event(2)]]


def test_what_is_no_record_is_set_aside(spool: Spool) -> None:
    spool.add([event(1)])
    (path,) = spool.waiting()
    with path.open("a") as file:
        file.write("no record\n")
    assert spool.read(path) == [event(1)]
    assert (spool.folder / "refused" / path.name).read_text() == "no record\n"


def test_one_process_delivers_at_a_time(spool: Spool) -> None:
    spool.add([event(1)])
    with spool.delivering() as first, Spool(spool.folder).delivering() as second:
        assert (first, second) == (True, False)
    with spool.delivering() as again:
        assert again


def test_old_remains_of_killed_processes_are_removed_and_new_ones_are_not(spool: Spool) -> None:
    spool.add([event(1)])
    old, new = (spool.folder / f"{name}.unfinished" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half a rec")
    os.utime(old, (0, 0))
    with spool.delivering():
        assert not old.exists()
        assert new.exists()
