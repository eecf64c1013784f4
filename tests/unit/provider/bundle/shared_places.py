"""Places for a shared store, of two kinds: a folder, and a store of objects without folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem


class Place:
    """A store as its operator sees it.

    :param url: where it is.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = ObjectStoragePath(url)
        self.files: Any = self.path.fs

    def names(self) -> list[str]:
        """Return the names of all files, below the place."""
        root = str(self.path.path).rstrip("/")
        return sorted(path[len(root) + 1 :] for path in self.files.find(root))

    def where(self, name: str) -> str:
        return str((self.path / name).path)

    def read(self, name: str) -> bytes:
        data: bytes = self.files.cat_file(self.where(name))
        return data

    def write(self, name: str, data: bytes) -> None:
        self.files.pipe_file(self.where(name), data)

    def remove(self, name: str) -> None:
        self.files.rm_file(self.where(name))


@pytest.fixture(params=["file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "file":
        folder = tmp_path / "shared"
        folder.mkdir()
        yield Place(f"file://{folder}")
        return
    files = MemoryFileSystem()
    attach("memory", fs=files)
    yield Place(f"memory://{tmp_path.name}/shared")
    files.rm("/", recursive=True)
