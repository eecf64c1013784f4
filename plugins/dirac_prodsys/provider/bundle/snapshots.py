"""Keeps every state of the served folder, addressed by its content.

A run is pinned for weeks to the state with which it began. Airflow may clean ``versions/`` of
states from which no task was *started* lately, whatever waits. So the files themselves live in
``objects/``, each state's list in ``manifests/``, and a missing or half-cleaned state is put
together again.

The digest shows what a power cut damaged (an empty list, half an object). It counts as absent: the
next state that has it writes it anew.

Invariant: a version names one content, for ever; files appear whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

#: folders of the files that a name stands for: ``objects/<digest>``, ``manifests/<version>.json``
OBJECTS, MANIFESTS = "objects", "manifests"


class SnapshotStore:
    """Stores folder states addressed by content. Callers hold a lock.

    :param root: holds ``objects`` and ``manifests``.
    :param versions: holds one folder per version.
    """

    def __init__(self, root: Path, versions: Path) -> None:
        self._root = root
        self._objects = root / OBJECTS
        self._manifests = root / MANIFESTS
        self._versions = versions

    def keep(self, files: Mapping[str, bytes]) -> str:
        """Store a state; return its version, the same for the same files."""
        manifest = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        text = json.dumps(manifest, sort_keys=True).encode()
        version = _version(text)
        for name, digest in manifest.items():
            if not _holds(self._objects / digest, digest):
                write(self._objects / digest, files[name])
        if self._manifest(version) is None:
            write(self._root / manifest_name(version), text)
        self.restore(version)
        return version

    def restore(self, version: str) -> bool:
        """Make the folder of a version complete; return False if an object is missing for that."""
        manifest = self._manifest(version)
        if manifest is None:
            return False
        folder = self._versions / version
        _clear_way(folder, for_folder=True)
        folder.mkdir(parents=True, exist_ok=True)
        complete = True
        for name, digest in manifest.items():
            if _holds(folder / name, digest):
                continue
            if _holds(self._objects / digest, digest):
                _link(self._objects / digest, folder / name)
            else:
                complete = False
        _sync(folder)
        return complete

    def is_complete(self, version: str) -> bool:
        """Check whether the folder of a version exists with all its files, and none is empty."""
        manifest = self._manifest(version)
        if manifest is None:
            return False
        try:
            with os.scandir(self._versions / version) as entries:
                present = {e.name for e in entries if e.is_file() and e.stat().st_size}
        except OSError:
            return False
        return present >= set(manifest)

    def forget(self, needed: Collection[str], before: float) -> list[str]:
        """Remove old versions that nobody needs; return them.

        :param needed: versions that stay, however old.
        :param before: remove only versions made before this time, seconds since the epoch.
        """
        kept: set[str] = set()
        gone: list[str] = []
        for path in sorted(self._manifests.glob("*.json")):
            version = path.stem
            if version in needed or path.stat().st_mtime >= before:
                kept |= set((self._manifest(version) or {}).values())
                continue
            # the list first: without it nobody takes the rest for complete
            path.unlink()
            shutil.rmtree(self._versions / version, ignore_errors=True)
            gone.append(version)
        for path in self._objects.glob("*") if gone else ():
            if path.name not in kept and path.stat().st_mtime < before:
                path.unlink()
        return gone

    # -- file by file, for the store that several machines share ------------------------------

    def names(self) -> list[str]:
        """Return the names of all files: the objects, then the manifests that list them."""
        return [
            f"{folder.name}/{path.name}"
            for folder in (self._objects, self._manifests)
            for path in sorted(folder.glob("[!.]*"))
        ]

    def names_of(self, version: str) -> Iterator[str]:
        """Yield the names of a version's files: its objects, then its manifest."""
        manifest = self.read(manifest_name(version))
        yield from objects_of(manifest or b"{}")
        yield manifest_name(version)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if it is missing, or does not fit its name."""
        try:
            data = (self._root / name).read_bytes()
        except OSError:
            return None
        return data if fits(name, data) else None

    def add(self, name: str, data: bytes) -> None:
        """Store a file whose content fits its name."""
        write(self._root / name, data)

    def _manifest(self, version: str) -> dict[str, str] | None:
        """Return the list of a version; None if it is missing, or does not fit its name."""
        text = self.read(manifest_name(version))
        if text is None:
            return None
        found: dict[str, str] = json.loads(text)
        return found


def manifest_name(version: str) -> str:
    """Return the name of a version's manifest."""
    return f"{MANIFESTS}/{version}.json"


def version_of(manifest: str) -> str:
    """Return the version of which this is the name of the manifest."""
    return Path(manifest).stem


def objects_of(manifest: bytes) -> list[str]:
    """Return the names of the objects that a manifest lists, each once."""
    return sorted({f"{OBJECTS}/{digest}" for digest in json.loads(manifest).values()})


def fits(name: str, data: bytes) -> bool:
    """Check whether this is the content for which the name stands."""
    folder, _, file = name.partition("/")
    if folder == MANIFESTS:
        return f"{_version(data)}.json" == file
    return hashlib.sha256(data).hexdigest() == file


def _version(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:20]


def _holds(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _clear_way(path: Path, *, for_folder: bool = False) -> None:
    """Remove a folder from the place of a file, or a file from the place of a folder."""
    if path.is_dir() and not path.is_symlink():
        if not for_folder:
            shutil.rmtree(path)
    elif for_folder and (path.exists() or path.is_symlink()):
        path.unlink()


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write(path: Path, data: bytes) -> None:
    """Write a file so that readers see it whole or the previous one, even after a power cut."""
    _clear_way(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # workers of other users read it
        os.replace(name, path)
        _sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _link(source: Path, target: Path) -> None:
    """Make a hard link where the file system has them, else a copy."""
    _clear_way(target)
    partial = target.with_name(f".{target.name}.tmp")
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    try:
        os.link(source, partial)
    except OSError:
        shutil.copyfile(source, partial)
    os.replace(partial, target)
