"""Every state of the served folder, kept by what it holds.

A run is pinned to the state it began with, for weeks. Airflow may clean ``versions/`` of states
that no task was *started* from lately, whatever waits; so the files themselves live in
``objects/``, each state's list in ``manifests/``, and a missing or half-cleaned state is put
together again.

Invariant: a version names one content, for ever; files appear whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


class SnapshotStore:
    """Content-addressed folder states. Callers hold a lock.

    :param root: holds ``objects`` and ``manifests``.
    :param versions: holds one folder per version.
    """

    def __init__(self, root: Path, versions: Path) -> None:
        self._objects = root / "objects"
        self._manifests = root / "manifests"
        self._versions = versions

    def keep(self, files: Mapping[str, bytes]) -> str:
        """Store a state; returns its version, the same for the same files."""
        manifest = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        text = json.dumps(manifest, sort_keys=True)
        version = hashlib.sha256(text.encode()).hexdigest()[:20]
        for name, digest in manifest.items():
            if not (self._objects / digest).exists():
                write(self._objects / digest, files[name])
        if not (self._manifests / f"{version}.json").exists():
            write(self._manifests / f"{version}.json", text.encode())
        self.restore(version)
        return version

    def restore(self, version: str) -> bool:
        """Make the folder of a version complete; False when nothing is known about it."""
        try:
            manifest = json.loads((self._manifests / f"{version}.json").read_bytes())
        except FileNotFoundError:
            return False
        folder = self._versions / version
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in manifest.items():
            if not (folder / name).exists():
                _link(self._objects / digest, folder / name)
        return True

    def is_complete(self, version: str) -> bool:
        """Whether the folder of a version is there with all its files."""
        try:
            manifest = json.loads((self._manifests / f"{version}.json").read_bytes())
            present = set(os.listdir(self._versions / version))
        except FileNotFoundError:
            return False
        return present >= set(manifest)


def write(path: Path, data: bytes) -> None:
    """Write a file so that readers see all of it or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)  # workers of other users read it
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _link(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    partial = target.with_name(f".{target.name}.tmp")
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    try:
        os.link(source, partial)
    except OSError:
        shutil.copyfile(source, partial)
    os.replace(partial, target)
