"""Serves every YAML of a folder as its own DAG, so that none can harm another: the Dag bundle.

For each production it serves a stub ``<production>.py`` beside the last good
``<production>.yaml``. For each wrong file it serves an ``<file>.py`` that raises
``<file>:line:col: reason``, which Airflow shows as the import error of that file alone
(what is served when: ``bundle/shelf.py``). The first configured of our bundles also serves people's
actions (``bundle/operations.py``). Each state of the served folder is a version; a run
stays on the version with which it began (``bundle/snapshots.py``).

Configuration, besides the entry in ``[dag_processor] dag_bundle_config_list``:

* ``dag_bundle_storage_path`` must be persistent, and shared with the workers; or the bundle has a
``store``, through which versions reach other machines (``bundle/shared_store.py``);
* ``stale_bundle_cleanup_interval = 0``: Airflow's clean-up checks when a task was last
*started*, not what waits. If a version was cleaned all the same, it is put together again when a
worker asks for it.
* ``bundle_refresh_check_interval`` and the bundle's ``refresh_interval`` of 2 s make a new file
visible within 3 s; ``[core] min_serialized_dag_update_interval`` of at most 5 s makes an edited
one visible within 10 s.

A refresh that fails leaves everything as it was. It is shown as an import error of its own,
``refresh.error.py``, until one succeeds. If all files vanish at once and the folder has become
another directory (a volume that is not mounted), nothing is retired.

Once a day, versions are removed that no run in Airflow's database has and that are older than
``keep_days``. Only a process that may ask the database removes them.

Where Airflow parses the DAGs, all that parsing needs is loaded here, once (``warm``).

Invariant: nothing of a user is executed here, and files are read in a separate process; a
refresh in which nothing has changed costs one ``stat`` per file, and at most one question to the
database every 15 s.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.provider.bundle import operations
from dirac_prodsys.provider.bundle.database import (
    other_owners,
    stored_lately,
    unwatched,
    versions_in_use,
    with_runs,
)
from dirac_prodsys.provider.bundle.index import Index, index_text, read_index
from dirac_prodsys.provider.bundle.parse_interval import keep_interval
from dirac_prodsys.provider.bundle.shared_store import SharedStore, StoreAway
from dirac_prodsys.provider.bundle.shelf import Shelf, arrange, error_code, file_stem
from dirac_prodsys.provider.bundle.snapshots import write
from dirac_prodsys.provider.bundle.sources import Signature, Source, SourceFolder
from dirac_prodsys.provider.bundle.versions import Versions
from dirac_prodsys.provider.bundle.warm import load, warm_up
from dirac_prodsys.provider.reporting import metrics

log = logging.getLogger(__name__)

#: seconds between two questions to the database: whether it has runs of a retired production, and
#: which DAG IDs another bundle has
RETIRED_CHECK = 15.0
#: seconds between two questions whether what watches for files is as the DAGs are paused
WATCHED_CHECK = 30.0
#: seconds between two searches for versions that nobody needs
CLEAN_UP = 24 * 3600.0
#: seconds after which a refresh that failed for the store is tried again
STORE_AGAIN = 30.0
#: file that Airflow shows while the folder cannot be refreshed; no user's file or production gives
#: this name
REFRESH_ERROR = "refresh.error.py"


class ProductionsDagBundle(BaseDagBundle):
    """Serves the productions of one folder.

    :param productions: absolute path of the folder with the users' ``*.yaml``.
    :param keep_days: days for which a version that no run has is kept.
    :param keep_retired_days: days for which the DAG of a production whose file is gone stays after
        the end of its last run; None: as long as Airflow has a run of it.
    :param store: object store through which versions reach workers on other machines, as Airflow's
        ``ObjectStoragePath`` takes it (``s3://connection@bucket/prodsys``); None: all machines
        share ``dag_bundle_storage_path``.
    :param kwargs: ``name``, ``version``, ``refresh_interval`` as Airflow gives them.
    """

    supports_versioning = True

    def __init__(
        self,
        *,
        productions: str,
        keep_days: float = 30.0,
        keep_retired_days: float | None = None,
        store: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.productions = Path(productions).expanduser()
        self._folder = SourceFolder(self.productions, self.name)
        self._latest = self.base_dir / "latest"
        self._index = self.base_dir / "index.json"
        days = keep_retired_days
        self._keep_retired = None if days is None else timedelta(days=days)
        shared = SharedStore(store, self.name) if store else None
        self._versions = Versions(self.base_dir, self.versions_dir, shared, keep_days * 24 * 3600)
        #: why the store did not answer, and how long it is not asked again
        self._away, self._away_until = "", float("-inf")
        self._signatures: dict[str, Signature] | None = None
        self._index_state: tuple[int, int] | None = None
        self._current: str | None = None
        self._asked = float("-inf")
        #: DAG IDs of the last question, their owners, and the retired ones
        self._ask_again: tuple[set[str], dict[str, str], list[str]] | None = None
        self._cleaned = float("-inf")
        self._touch_again: dict[Path, float] = {}
        self._watched = float("-inf")
        self._error = ""
        self._vanished = ""

    @property
    def path(self) -> Path:
        """Return the folder that Airflow reads: the folder of the version, or the latest state."""
        return self.versions_dir / self.version if self.version else self._latest

    def get_current_version(self) -> BundleVersion | None:
        """Return the version of the state that :attr:`path` shows."""
        version = self.version or self._current or read_index(self._index, self._latest).version
        return BundleVersion(version=version) if version else None

    def initialize(self) -> None:
        """Make :attr:`path` complete.

        :raises RuntimeError: the version cannot be put together on this machine.
        :raises StoreAway: nor did the store answer; Airflow runs the task again later.
        """
        if self.version is None:
            if not self._up_to_date():
                self._bring_up_to_date()
        elif not self._versions.is_complete(self.version):
            with self.lock():
                self._versions.complete(self.version, self._possible_states)
        super().initialize()

    def refresh(self) -> None:
        """Serve what the folder holds now; an error leaves everything as it is.

        Airflow calls it in the process that parses the DAGs, so what parsing needs is loaded here.
        """
        if self.version is not None:
            return
        warm_up()
        keep_interval()
        began = time.monotonic()
        self._bring_up_to_date()
        metrics.timing("bundle_refresh", time.monotonic() - began, bundle=self.name)
        load(self._folder.loaded)

    def _bring_up_to_date(self) -> None:
        try:
            self._touch_changed()
            self._touch_unwatched()
            signatures = self._folder.signatures()
            if not self._nothing_new(signatures):
                self._demand_store()
                with self.lock():
                    self._refresh(signatures)
        except StoreAway as error:
            self._signatures = None
            if not self._away:
                self._away, self._away_until = error.why, time.monotonic() + STORE_AGAIN
            if not self._latest.is_dir():
                # nothing is served yet: Airflow would take all DAGs for deleted
                raise
            self._tell(f"{self._folder.folder} cannot be served: {error.why}", error)
        except Exception as error:
            self._signatures = None  # try again, even if nothing has changed
            why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            self._tell(f"{self._folder.folder} cannot be read or served: {why}", error)
        else:
            self._tell(self._vanished)
        self._clean_up()

    def _demand_store(self) -> None:
        """Check that the store has not just failed.

        :raises StoreAway: it has.
        """
        if self._away and time.monotonic() < self._away_until:
            raise StoreAway(self._away)
        self._away = ""

    def _refresh(self, signatures: Mapping[str, Signature]) -> None:
        index = self._last_index()
        sources = self._folder.scan()
        identity = self._folder.identity()
        self._vanished = self._all_gone(sources, index, identity)
        before = index.productions
        asked = {source.production for source in sources} | {n for n in before if before[n].retired}
        acts = operations.is_served_by(self.name)
        asked |= {DAG_ID} if acts else set()
        owners = other_owners(self.name, asked)
        keep = bool(self._vanished or self._folder.unsettled)
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        shelf = arrange(sources, before, owners=owners, keep=keep, now=now)
        shelf = shelf.without({name for name in shelf.retired if name in owners})
        shelf = shelf.without(self._forgotten(shelf.retired))
        files = shelf.files()
        dags = {f"{file_stem(name)}.py": name for name in shelf.productions}
        if acts and DAG_ID not in owners:
            files[operations.FILE] = operations.stub(shelf.productions)
            dags[operations.FILE] = DAG_ID
        version = self._versions.keep(files)
        seen = {n: tuple(s) for n, s in signatures.items() if n not in self._folder.unsettled}
        new = Index(version, seen, shelf.productions, index.identity if keep else identity)
        # before Airflow hears of the version: a worker may ask for it at once
        self._versions.publish(new)
        self._serve(files, dags)
        if new != index or not self._index.exists():
            write(self._index, index_text(new))
        self._tell_change(shelf, version)
        self._report(shelf)
        self._current, self._asked = version, time.monotonic()
        asked |= set(shelf.retired)
        again = shelf.retired or owners or acts
        self._ask_again = (asked, owners, shelf.retired) if again else None
        self._signatures, self._index_state = dict(signatures), _state(self._index)

    def _last_index(self) -> Index:
        """Return what was served last, on this machine or, if it has nothing, on another."""
        index = read_index(self._index, self._latest)
        return index if index.productions else self._versions.last_index() or index

    def _all_gone(self, sources: Sequence[Source], index: Index, identity: str) -> str:
        """Return a warning if every file has vanished with the folder itself; else nothing."""
        served = [name for name, served in index.productions.items() if not served.retired]
        if sources or not served:
            return ""
        if index.identity in ("", identity):
            log.warning(
                "bundle %s: all files are gone from %s: %d productions are retired, which ends "
                "none of their runs; put the files back to take them up again",
                self.name,
                self._folder.folder,
                len(served),
            )
            return ""
        return (
            f"{self._folder.folder} is empty and no longer the directory that it was: is its "
            f"volume mounted? {len(served)} productions are served as they were; if they are "
            "meant to go, put any production file there"
        )

    def _nothing_new(self, signatures: Mapping[str, Signature]) -> bool:
        return (
            not self._other_answer()
            and signatures == self._signatures
            and not self._folder.due()
            and self._index_state == _state(self._index)
            and self._latest.is_dir()
        )

    def _up_to_date(self) -> bool:
        """Check whether the last refresh of any process saw the folder as it is."""
        index = read_index(self._index, self._latest)
        with contextlib.suppress(OSError):
            return index.signatures == self._folder.signatures() and self._latest.is_dir()
        return False

    def _serve(self, files: Mapping[str, bytes], dags: Mapping[str, str]) -> None:
        """Bring the latest folder to this content; a changed text makes its stub look changed.

        :param dags: name of a stub → its DAG.
        """
        self._latest.mkdir(parents=True, exist_ok=True)
        changed = {name for name, data in files.items() if _content(self._latest / name) != data}
        changed |= {f"{Path(name).stem}.py" for name in changed if name.endswith(".yaml")}
        stubs = {name for name in changed if name.endswith(".py")}
        once = self._parsed_once(stubs, dags)
        # texts before stubs: a stub never looks new beside an old text
        for name in sorted(changed, key=lambda name: name.endswith(".py")):
            write(self._latest / name, files[name])
        for name in stubs - once:
            self._touch_again[self._latest / name] = time.monotonic() + _update_interval() + 1.0
        for entry in self._latest.iterdir():
            if entry.name not in (*files, "__pycache__", REFRESH_ERROR):
                _remove(entry)

    def _parsed_once(self, stubs: Collection[str], dags: Mapping[str, str]) -> set[str]:
        """Return the new stubs for which Airflow is sure to store the first parse.

        A file that was stored shortly before it was removed is the exception.
        """
        new = {name for name in stubs if not (self._latest / name).exists()}
        asked = {dags[name] for name in new & dags.keys()}
        lately = stored_lately(asked, _update_interval() + 1.0)
        if lately is None:
            return set()
        return {name for name in new if dags.get(name) not in lately}

    def _touch_changed(self) -> None:
        """Have a changed stub parsed once more, after Airflow is ready to store it.

        Airflow drops what it parsed within ``min_serialized_dag_update_interval`` of the last
        change, and misses a change made while it is parsing; both would last until
        ``min_file_process_interval``. Neither can happen to a new stub.
        """
        now = time.monotonic()
        for stub in [stub for stub, due in self._touch_again.items() if due <= now]:
            del self._touch_again[stub]
            with contextlib.suppress(FileNotFoundError):
                os.utime(stub)

    def _touch_unwatched(self) -> None:
        """Have the stubs parsed whose DAGs were paused or resumed, so that what watches follows."""
        if time.monotonic() - self._watched < WATCHED_CHECK:
            return
        self._watched = time.monotonic()
        for name in unwatched(self.name):
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._latest / Path(name).name)

    def _possible_states(self) -> Iterator[dict[str, bytes]]:
        """Build the states that the folder may mean now, with and without the DAG of actions."""
        shelf = arrange(self._folder.scan(), {})
        files = shelf.files()
        yield {**files, operations.FILE: operations.stub(shelf.productions)}
        yield files

    def _other_answer(self) -> bool:
        """Check whether the database is due to be asked again, and answers differently now."""
        if self._ask_again is None or time.monotonic() - self._asked <= RETIRED_CHECK:
            return False
        self._asked = time.monotonic()
        asked, owners, retired = self._ask_again
        return other_owners(self.name, asked) != owners or bool(self._forgotten(retired))

    def _forgotten(self, retired: Collection[str]) -> set[str]:
        """Return the retired productions without any run left in Airflow."""
        if not retired:
            return set()
        since = None if self._keep_retired is None else datetime.now(UTC) - self._keep_retired
        known = with_runs(retired, since)
        return set() if known is None else set(retired) - known

    def _clean_up(self) -> None:
        """Remove versions that no run has, if the database knows which these are."""
        if time.monotonic() - self._cleaned < CLEAN_UP or self._current is None:
            return
        self._cleaned = time.monotonic()
        try:
            needed = versions_in_use(self.name)
            if needed is None:
                return
            with self.lock():
                current = read_index(self._index, self._latest).version
                needed |= {current, self._current}
                gone = self._versions.forget(needed)
        except Exception:
            log.warning("bundle %s: old versions stay", self.name, exc_info=True)
            return
        if gone:
            log.info("bundle %s: %d versions that no run has were removed", self.name, len(gone))

    def _tell(self, why: str, error: Exception | None = None) -> None:
        """Show in the UI why the folder cannot be refreshed; empty: it can."""
        stub = self._latest / REFRESH_ERROR
        if why != self._error:
            if why:
                log.error("bundle %s: %s; everything stays as it was", self.name, why)
                log.debug("bundle %s: the refresh that failed", self.name, exc_info=error)
            self._error = why
        try:
            if why:
                code = error_code(f"{why}; everything stays as it was").encode()
                if _content(stub) != code:
                    write(stub, code)
            else:
                _remove(stub)
        except OSError:
            log.error("bundle %s: %s cannot be written", self.name, self._latest, exc_info=True)

    def _report(self, shelf: Shelf) -> None:
        """Report to Airflow's metrics what is served."""
        retired, broken = len(shelf.retired), len(shelf.errors)
        good = sum(1 for served in shelf.productions.values() if not served.mark)
        for state, files in (("good", good), ("retired", retired), ("broken", broken)):
            metrics.gauge("production_files", files, bundle=self.name, state=state)

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


def _update_interval() -> float:
    return conf.getfloat("core", "min_serialized_dag_update_interval", fallback=30.0)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _state(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_ino
