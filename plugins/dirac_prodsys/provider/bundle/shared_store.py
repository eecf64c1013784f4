"""Carries versions to machines that share no disk, by an object store.

The DAG processor writes there what its snapshots hold, under the same names; a worker reads what it
misses. Airflow opens the store (``file://``, ``s3://``, … by ``ObjectStoragePath``), with the
connection that its URL names.

The DAG processor takes nothing for written that it has not read or written itself: when it starts,
and once a day, it writes anew what is missing there or damaged. Objects are written before the
manifest that lists them. It also writes the index of what it serves, from which a DAG processor on
a new machine goes on.

Invariant: a name stands for one content. What does not fit its name, because a writer was killed or
a disk is broken, is never used.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar

from airflow.sdk.exceptions import AirflowRescheduleException

from dirac_prodsys.provider.bundle.snapshots import (
    MANIFESTS,
    OBJECTS,
    SnapshotStore,
    fits,
    manifest_name,
    objects_of,
    version_of,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

#: after how long Airflow runs a task again that could not begin without the store
AGAIN = timedelta(seconds=60)
#: most files that are read at once
_BATCH = 500
#: file of the index, below its digest
_INDEX = "index.json"


class StoreAway(AirflowRescheduleException):
    """The store does not answer. A task that needs it runs again later, at no cost of its retries.

    :param why: the reason, in words.
    """

    def __init__(self, why: str) -> None:
        super().__init__(datetime.now(UTC) + AGAIN)
        self.why = why

    def __str__(self) -> str:
        return self.why


class SharedStore:
    """Holds the versions of one bundle for all machines.

    :param url: place of the store, as ``ObjectStoragePath`` takes it: ``s3://connection@bucket/a``.
        A folder must exist.
    :param bundle: name of the bundle, below that place.
    """

    def __init__(self, url: str, bundle: str) -> None:
        self.url = f"{url.rstrip('/')}/{bundle}"
        #: names that this process has found there, or written
        self._there: set[str] = set()
        self._all_there = False
        self._index: bytes | None = None

    # -- the DAG processor --------------------------------------------------------------------

    def publish(self, version: str, local: SnapshotStore) -> None:
        """Write what the store misses of a version; the first time, of all versions.

        :raises StoreAway: it cannot be written.
        """
        if self._all_there:
            self._write_missing(local.names_of(version), local)
        else:
            self.publish_all(local)

    def publish_all(self, local: SnapshotStore) -> None:
        """Write what the store misses, or has damaged, of all versions of this machine.

        :raises StoreAway: it cannot be written.
        """
        self._there.clear()
        self._write_missing(local.names(), local)
        self._all_there = True

    def publish_index(self, index: bytes) -> None:
        """Write the index of what is served, if it has changed.

        :raises StoreAway: it cannot be written.
        """
        if index != self._index:
            self._write(_INDEX, f"{hashlib.sha256(index).hexdigest()}\n".encode() + index)
            self._index = index

    def index(self) -> bytes | None:
        """Return the index of what was served last; None: there is none that is whole.

        :raises StoreAway: the store cannot be read.
        """
        digest, _, index = (self._read([_INDEX])[_INDEX] or b"").partition(b"\n")
        return index if hashlib.sha256(index).hexdigest().encode() == digest else None

    def forget(self, needed: Collection[str], before: float) -> list[str]:
        """Remove old versions that nobody needs; return them. See :meth:`SnapshotStore.forget`.

        :raises StoreAway: it cannot be read or written.
        """
        with self._reached():
            self._files.invalidate_cache()
        kept: set[str] = set()
        gone: list[str] = []
        for names in _batches(self._names(MANIFESTS)):
            for name, data in self._read(names).items():
                version = version_of(name)
                if version in needed or self._changed(name) >= before:
                    kept.update(objects_of(data) if data and fits(name, data) else ())
                    continue
                self._remove(name)
                gone.append(version)
        for name in self._names(OBJECTS) if gone else ():
            if name not in kept and self._changed(name) < before:
                self._remove(name)
        return gone

    # -- a worker -----------------------------------------------------------------------------

    def fetch(self, version: str, local: SnapshotStore) -> str:
        """Read what this machine misses of a version.

        :returns: why it is not complete now; empty: it is.
        :raises StoreAway: the store cannot be read.
        """
        manifest = manifest_name(version)
        missing = [] if local.read(manifest) is not None else [manifest]
        return self._take(missing, local) or self._take(
            [name for name in local.names_of(version) if local.read(name) is None], local
        )

    def _take(self, names: Sequence[str], local: SnapshotStore) -> str:
        for batch in _batches(names):
            for name, data in self._read(batch).items():
                if data is None:
                    return f"{self.url}/{name} is missing"
                if not fits(name, data):
                    return f"{self.url}/{name} is damaged: its content has another digest"
                local.add(name, data)
        return ""

    # -- inside -------------------------------------------------------------------------------

    def _write_missing(self, names: Iterable[str], local: SnapshotStore) -> None:
        for batch in _batches(name for name in names if name not in self._there):
            for name, theirs in self._read(batch).items():
                if theirs is None or not fits(name, theirs):
                    ours = local.read(name)
                    if ours is None:
                        continue
                    self._write(name, ours)
                self._there.add(name)

    @cached_property
    def _root(self) -> Any:
        """Return the place of the bundle in the store."""
        from airflow.sdk import ObjectStoragePath

        return ObjectStoragePath(self.url)

    @property
    def _files(self) -> Any:
        """Return the file system of fsspec that the store is."""
        return self._root.fs

    def _path(self, name: str) -> str:
        return str((self._root / name).path)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn any error of the store into ours."""
        try:
            yield
        except Exception as error:
            why = f"the store {self.url} does not answer: {type(error).__name__}: {error}"
            raise StoreAway(why) from error

    def _read(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Return what the store has under these names, in their order; None: nothing."""
        with self._reached():
            paths = [self._path(name) for name in names]
            answers = self._files.cat(paths, on_error="return")
            found = [answers.get(path) for path in paths]
            for data in found:
                if isinstance(data, Exception) and not _is_absence(data):
                    raise data
        return {
            name: data if isinstance(data, bytes) else None
            for name, data in zip(names, found, strict=True)
        }

    def _write(self, name: str, data: bytes) -> None:
        with self._reached():
            path = self._path(name)
            try:
                self._files.pipe_file(path, data)
            except FileNotFoundError:
                # a store of folders; the store itself is not created: it may be a missing mount
                for folder in (str(self._root.path), path.rpartition("/")[0]):
                    with contextlib.suppress(FileExistsError):
                        self._files.mkdir(folder, create_parents=False)
                self._files.pipe_file(path, data)

    def _remove(self, name: str) -> None:
        self._there.discard(name)
        with self._reached(), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _names(self, folder: str) -> list[str]:
        with self._reached():
            try:
                paths = self._files.ls(self._path(folder), detail=False)
            except FileNotFoundError:
                return []
        return [f"{folder}/{path.rpartition('/')[2]}" for path in sorted(paths)]

    def _changed(self, name: str) -> float:
        """Return when a file was written, seconds since the epoch; gone: now."""
        with self._reached():
            try:
                changed: datetime = self._files.modified(self._path(name))
            except FileNotFoundError:
                return time.time()
        return changed.timestamp()


def _is_absence(error: Exception) -> bool:
    return isinstance(error, FileNotFoundError | IsADirectoryError)


def _batches(names: Iterable[T]) -> Iterator[list[T]]:
    left = iter(names)
    while batch := list(islice(left, _BATCH)):
        yield batch
