"""Records are written in a thread of their own: putting one never waits for the disk."""

from __future__ import annotations

import threading
from typing import Any

from dirac_prodsys.provider.reporting.background import BackgroundWriter
from tests.unit.ledger.example_records import event


class Disk:
    """Takes batches, once it answers."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.batches: list[tuple[Any, ...]] = []

    def write(self, *batch: Any) -> None:
        self.answers.wait(60)
        self.batches.append(batch)


def test_all_that_is_put_is_written_in_order() -> None:
    disk = Disk()
    disk.answers.set()
    writer = BackgroundWriter(disk)  # type: ignore[arg-type]
    for number in range(50):
        writer.put(event(number))
    assert writer.drain(30)
    assert [one for batch in disk.batches for one in batch] == [event(n) for n in range(50)]


def test_a_disk_that_hangs_holds_up_nobody_and_what_piled_up_is_one_batch() -> None:
    disk = Disk()
    writer = BackgroundWriter(disk)  # type: ignore[arg-type]
    for number in range(50):
        writer.put(event(number))
    assert not writer.drain(0.05)
    disk.answers.set()
    assert writer.drain(30)
    assert sum(map(len, disk.batches)) == 50
    assert len(disk.batches) <= 2
