"""Keeps the versions of a bundle: on this machine and, if there is one, in the shared store.

Invariant: a version of which Airflow has heard is in the store; a worker never runs another text
than that with which its run began.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from dirac_prodsys.provider.bundle.index import DAMAGED, Index, index_text, parsed_index
from dirac_prodsys.provider.bundle.shared_store import SharedStore, StoreAway
from dirac_prodsys.provider.bundle.snapshots import SnapshotStore

log = logging.getLogger(__name__)


class Versions:
    """Stores versions and puts them together again.

    :param base: the bundle's folder on this machine.
    :param folders: holds one folder per version.
    :param shared: the store for all machines; None: all machines share ``base``.
    :param keep: seconds for which a version that no run has is kept.
    """

    def __init__(self, base: Path, folders: Path, shared: SharedStore | None, keep: float) -> None:
        self._base = base
        self._local = SnapshotStore(base, folders)
        self._shared = shared
        self._keep = keep

    def keep(self, files: Mapping[str, bytes]) -> str:
        """Store a state of the folder on this machine; return its version."""
        return self._local.keep(files)

    def publish(self, index: Index) -> None:
        """Write the version of an index where the workers look for it, and the index.

        :raises StoreAway: the store cannot be written.
        """
        if self._shared is not None:
            self._shared.publish(index.version, self._local)
            self._shared.publish_index(index_text(index))

    def last_index(self) -> Index | None:
        """Return what was served last, by any machine; None: unknown.

        :raises StoreAway: the store cannot be read.
        """
        text = None if self._shared is None else self._shared.index()
        if text is not None:
            with contextlib.suppress(*DAMAGED):
                return parsed_index(text)
        return None

    def is_complete(self, version: str) -> bool:
        """Check whether this machine has all files of a version."""
        return self._local.is_complete(version)

    def complete(self, version: str, states: Callable[[], Iterable[Mapping[str, bytes]]]) -> None:
        """Put a version together on this machine.

        :param states: gives the states that the users' folder may mean now; one of them may be this
            version.
        :raises RuntimeError: it is nowhere.
        :raises StoreAway: nor did the store answer.
        """
        if self._local.restore(version):
            log.info("version %s was put together again", version)
            return
        lacks: str | StoreAway
        try:
            lacks = self._fetched(version)
        except StoreAway as error:
            lacks = error
        if not lacks:
            return
        with contextlib.suppress(OSError):
            if version in map(self._local.keep, states()):
                return
        why = f"version {version} of bundle {self._base.name!r} is not on this machine: {lacks}"
        if isinstance(lacks, StoreAway):
            log.error("%s", why)
            raise StoreAway(why) from lacks
        raise RuntimeError(why)

    def forget(self, needed: Collection[str]) -> list[str]:
        """Remove old versions that nobody needs; return those that were on this machine.

        :param needed: versions that stay, however old.
        :raises StoreAway: the store cannot be read or written.
        """
        before = time.time() - self._keep
        gone = self._local.forget(needed, before)
        if self._shared is not None:
            self._shared.publish_all(self._local)
            self._shared.forget(needed, before)
        return gone

    def _fetched(self, version: str) -> str:
        """Fetch a version from the store; return why it is not here now, empty if it is."""
        if self._shared is None:
            return (
                f"let [dag_processor] dag_bundle_storage_path ({self._base.parent}) be persistent "
                "and shared by the DAG processor and the workers, or give the bundle a store"
            )
        lacks = self._shared.fetch(version, self._local)
        if lacks:
            return f"{lacks}; the DAG processor writes it anew when it starts, if it has it"
        self._local.restore(version)
        # a worker may not ask the database what is needed; it can fetch it again
        self._local.forget({version}, time.time() - self._keep)
        log.info("version %s was fetched from %s", version, self._shared.url)
        return ""
