"""Keeps records on disk until they are delivered.

One file for each batch: written under another name, synchronised, renamed, and the folder
synchronised. So a file is complete, or it is not there. The names give the order.

A reserve, a file of nothing, is given up when the disk is full: there is room for some more
records until somebody makes room.

Invariant: a batch for which :meth:`Spool.add` has returned survives any crash. A file is removed
after its records were delivered, so a crash in between delivers them twice; their keys make it
once.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import read_record

#: bytes that are kept free for records when the disk becomes full
RESERVE = 1024 * 1024
#: seconds after which an unfinished file is the remains of a killed process
_UNFINISHED_SECONDS = 3600.0

_READY, _UNFINISHED, _REFUSED = ".jsonl", ".unfinished", "refused"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Spool:
    """The records of one machine that are not delivered yet.

    :param folder: is made when it is needed.
    :param reserve: bytes kept free for when the disk is full.
    """

    def __init__(self, folder: Path, reserve: int = RESERVE) -> None:
        self.folder = folder
        self._reserve_bytes = reserve
        self._numbers = itertools.count()

    @property
    def _reserve(self) -> Path:
        return self.folder / "reserve"

    def add(self, batch: Sequence[Record]) -> None:
        """Keep a batch.

        :raises OSError: it cannot be kept: the disk is full, or not there.
        """
        data = "".join(f"{record.to_json()}\n" for record in batch).encode()
        self.folder.mkdir(parents=True, exist_ok=True)
        # containers that share a folder have the same process IDs
        who = f"{os.getpid():07d}-{next(self._numbers):06d}-{secrets.token_hex(4)}"
        name = f"{time.time_ns():020d}-{who}"
        try:
            self._keep_reserve()
            self._write(name, data)
        except OSError as error:
            if error.errno not in _FULL or not self._give_up_reserve():
                raise
            self._write(name, data)

    def _write(self, name: str, data: bytes) -> None:
        unfinished, ready = (self.folder / f"{name}{end}" for end in (_UNFINISHED, _READY))
        try:
            with unfinished.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(ready)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        self._sync_folder()

    def waiting(self) -> list[Path]:
        """Return the files that wait, the oldest first.

        :raises OSError: the folder cannot be read.
        """
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.suffix == _READY)

    def read(self, path: Path) -> list[Record]:
        """Return the records of a file; what is no record is put among the refused.

        :raises OSError: it cannot be read; FileNotFoundError: somebody delivered it.
        """
        found = []
        for line in path.read_text("utf-8", errors="replace").split("\n"):
            if not line:
                continue
            try:
                found.append(read_record(json.loads(line)))
            except (ValueError, ValidationError):
                self._refuse_line(path.name, line)
        return found

    def done(self, path: Path) -> None:
        """Remove a file that was delivered."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()

    def refuse(self, record: Record, file: str) -> None:
        """Set a record aside that the ledger will never take; a person may look at it."""
        self._refuse_line(file, record.to_json())

    def _refuse_line(self, file: str, line: str) -> None:
        folder = self.folder / _REFUSED
        folder.mkdir(exist_ok=True)
        with (folder / file).open("a", encoding="utf-8") as kept:
            kept.write(f"{line}\n")
            kept.flush()
            os.fsync(kept.fileno())

    @contextlib.contextmanager
    def delivering(self) -> Iterator[bool]:
        """Yield whether this process may deliver: one does at a time, or the order is lost."""
        if not self.folder.is_dir():
            yield False
            return
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            self._clear_away()
            yield True

    def _clear_away(self) -> None:
        """Remove unfinished files of killed processes."""
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"*{_UNFINISHED}"):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > _UNFINISHED_SECONDS:
                        path.unlink()

    def _keep_reserve(self) -> None:
        if self._reserve_bytes and not self._reserve.exists():
            with contextlib.suppress(OSError), self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)

    def _give_up_reserve(self) -> bool:
        try:
            size = self._reserve.stat().st_size
            os.truncate(self._reserve, 0)
        except OSError:
            return False
        return size > 0

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
