"""The Dag bundle: every YAML of a folder becomes a DAG of its own, and none can hurt another.

For each production it serves a stub ``<production>.py`` beside the last good
``<production>.yaml``, and for each file that is wrong an ``<file>.py`` that raises
``<file>:line:col: reason``, which is what Airflow shows as the import error of that file alone
(what is served when: ``bundle_shelf``). Each state of the served folder is a version; a run stays
on the one it began with (``bundle_snapshots``).

Configuration, besides the entry in ``[dag_processor] dag_bundle_config_list``:

* ``dag_bundle_storage_path`` must be persistent, and shared with the workers;
* ``stale_bundle_cleanup_interval = 0``: Airflow's clean-up looks at when a task was last
*started*, not at what waits. A version that was cleaned all the same is put together again when a
worker asks for it.
* ``bundle_refresh_check_interval`` and the bundle's ``refresh_interval`` of 2 s make a new file
visible within 3 s; ``[core] min_serialized_dag_update_interval`` of at most 5 s an edited one
within 10 s.

Invariant: nothing of a user is executed here, in the DAG processor's own process; a refresh in
which nothing has changed costs one ``stat`` per file.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion

from dirac_prodsys.provider.bundle_shelf import Served, Shelf, arrange
from dirac_prodsys.provider.bundle_snapshots import SnapshotStore, write
from dirac_prodsys.provider.bundle_sources import Signature, SourceFolder

log = logging.getLogger(__name__)

#: seconds between two questions whether a retired production still has unfinished runs
RETIRED_CHECK = 15.0


class ProductionsDagBundle(BaseDagBundle):
    """The productions of one folder.

    :param productions: absolute path of the folder with the users' ``*.yaml``.
    :param kwargs: ``name``, ``version``, ``refresh_interval`` as Airflow gives them.
    """

    supports_versioning = True

    def __init__(self, *, productions: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.productions = Path(productions).expanduser()
        self._folder = SourceFolder(self.productions, self.name)
        self._latest = self.base_dir / "latest"
        self._index = self.base_dir / "index.json"
        self._store = SnapshotStore(self.base_dir, self.versions_dir)
        self._signatures: dict[str, Signature] | None = None
        self._index_state: tuple[int, int] | None = None
        self._current: str | None = None
        self._retired_asked = float("-inf")
        self._has_retired = False
        self._touch_again: dict[Path, float] = {}
        self._folder_error = ""

    @property
    def path(self) -> Path:
        """The folder that Airflow reads: that of the version, or the latest state."""
        return self.versions_dir / self.version if self.version else self._latest

    def get_current_version(self) -> BundleVersion | None:
        """The version of the state that :attr:`path` shows."""
        version = self.version or self._current or self._read_index().get("version")
        return BundleVersion(version=version) if version else None

    def initialize(self) -> None:
        """Make :attr:`path` complete.

        :raises RuntimeError: the version cannot be put together on this machine.
        """
        if self.version is None:
            if not self._up_to_date():
                self.refresh()
        elif not self._store.is_complete(self.version):
            self._rebuild(self.version)
        super().initialize()

    def refresh(self) -> None:
        """Serve what the folder holds now; an unreadable folder leaves all as it is."""
        if self.version is not None:
            return
        self._touch_changed()
        try:
            signatures = self._folder.signatures()
        except OSError as error:
            self._tell_folder(f"{error.strerror or error}")
            self._latest.mkdir(parents=True, exist_ok=True)
            return
        self._tell_folder("")
        if self._nothing_new(signatures):
            return
        with self.lock():
            self._refresh(signatures)

    def _refresh(self, signatures: Mapping[str, Signature]) -> None:
        index = self._read_index()
        before = {name: Served(**served) for name, served in index.get("productions", {}).items()}
        shelf = self._without_finished(arrange(self._folder.scan(), before))
        files = shelf.files()
        version = self._store.keep(files)
        self._serve(files)
        record = {
            "version": version,
            "signatures": {name: list(signature) for name, signature in signatures.items()},
            "productions": {name: vars(served) for name, served in shelf.productions.items()},
        }
        if record != index:
            write(self._index, json.dumps(record).encode())
        self._tell_change(shelf, version)
        self._current, self._has_retired = version, bool(shelf.retired)
        self._signatures, self._index_state = dict(signatures), _state(self._index)

    def _nothing_new(self, signatures: Mapping[str, Signature]) -> bool:
        if self._has_retired and time.monotonic() - self._retired_asked > RETIRED_CHECK:
            return False
        return (
            signatures == self._signatures
            and self._index_state == _state(self._index)
            and self._latest.is_dir()
        )

    def _up_to_date(self) -> bool:
        """Whether the last refresh of any process saw the folder as it is."""
        known = self._read_index().get("signatures")
        with contextlib.suppress(OSError):
            now = {name: list(s) for name, s in self._folder.signatures().items()}
            return known == now and self._latest.is_dir()
        return self._latest.is_dir()

    def _serve(self, files: Mapping[str, bytes]) -> None:
        """Bring the latest folder to this content; a changed text makes its stub look changed."""
        self._latest.mkdir(parents=True, exist_ok=True)
        changed = {name for name, data in files.items() if _content(self._latest / name) != data}
        changed |= {f"{Path(name).stem}.py" for name in changed if name.endswith(".yaml")}
        # texts before stubs: a stub never looks new beside an old text
        for name in sorted(changed, key=lambda name: name.endswith(".py")):
            write(self._latest / name, files[name])
            if name.endswith(".py"):
                self._touch_again[self._latest / name] = time.monotonic() + _settled_after()
        for entry in self._latest.iterdir():
            if entry.name not in files and entry.name != "__pycache__":
                with contextlib.suppress(FileNotFoundError):
                    entry.unlink()

    def _touch_changed(self) -> None:
        """Have a changed stub parsed once more, after Airflow is ready to store it.

        Airflow drops what it parsed within ``min_serialized_dag_update_interval`` of the last
        change, and misses a change made while it is parsing; both would last until
        ``min_file_process_interval``.
        """
        now = time.monotonic()
        for stub in [stub for stub, due in self._touch_again.items() if due <= now]:
            del self._touch_again[stub]
            with contextlib.suppress(FileNotFoundError):
                os.utime(stub)

    def _rebuild(self, version: str) -> None:
        with self.lock():
            if self._store.restore(version):
                log.info("bundle %s: version %s was put together again", self.name, version)
                return
            with contextlib.suppress(OSError):
                if self._store.keep(arrange(self._folder.scan(), {}).files()) == version:
                    return
        raise RuntimeError(
            f"version {version} of bundle {self.name!r} is not on this machine: let "
            f"[dag_processor] dag_bundle_storage_path ({self.base_dir.parent}) be persistent and "
            "shared by the DAG processor, the scheduler and the workers"
        )

    def _without_finished(self, shelf: Shelf) -> Shelf:
        if not shelf.retired:
            return shelf
        self._retired_asked = time.monotonic()
        unfinished = unfinished_runs(shelf.retired)
        if unfinished is None:
            return shelf
        return shelf.without(set(shelf.retired) - unfinished)

    def _read_index(self) -> dict[str, Any]:
        try:
            index: dict[str, Any] = json.loads(self._index.read_bytes())
        except FileNotFoundError:
            return {}
        return index

    def _tell_folder(self, error: str) -> None:
        if error and error != self._folder_error:
            log.error(
                "bundle %s: %s cannot be read, everything stays as it was: %s",
                self.name,
                self._folder.folder,
                error,
            )
        self._folder_error = error

    def _tell_change(self, shelf: Shelf, version: str) -> None:
        if version != self._current:
            log.info(
                "bundle %s: version %s: %d productions, %d retired, %d files with errors",
                self.name,
                version,
                len(shelf.productions),
                len(shelf.retired),
                len(shelf.errors),
            )


def unfinished_runs(dag_ids: Collection[str]) -> set[str] | None:
    """Which of these DAGs have a queued or running run; None where the database may not be asked.

    Airflow's DAG processor may ask, its workers may not.
    """
    try:
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from airflow.utils.state import State
        from sqlalchemy import select

        with create_session() as session:
            found = session.scalars(
                select(DagRun.dag_id)
                .where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_(State.unfinished_dr_states))
                .distinct()
            )
            return set(found)
    except Exception:
        log.debug("the database cannot be asked for unfinished runs", exc_info=True)
        return None


def _settled_after() -> float:
    return conf.getfloat("core", "min_serialized_dag_update_interval", fallback=30.0) + 1.0


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _state(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_ino
