"""The catalogue that is walked on: it knows since when it has had each file, and what it had.

Invariant: what is found is remembered only as long as nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.gateway.memory.catalogue import MemoryCatalogue

if TYPE_CHECKING:
    from tests.walk.world import WalkedGrid


class WalkedCatalogue(MemoryCatalogue):
    """Knows since when it has had each file."""

    def __init__(self, grid: WalkedGrid) -> None:
        super().__init__()
        self.grid = grid
        self.since: dict[str, float] = {}
        #: when files were last removed, and what was in them
        self.was: dict[str, tuple[float, bytes | None]] = {}
        self._found: dict[str, list[str]] = {}

    def register(self, lfn: str, **more: Any) -> None:
        if lfn not in self.files:
            self.since[lfn] = self.grid.now
            self._found.clear()
        super().register(lfn, **more)

    def remove(self, lfn: str) -> None:
        self._found.clear()
        self.was[lfn] = (self.grid.now, self.files[lfn].content)
        super().remove(lfn)

    def write(self, lfn: str, content: bytes) -> None:
        """A small file is written, in place of the one that was there."""
        if lfn in self.files:
            self.remove(lfn)
        self.register(lfn, content=content)

    def forget(self, folder: str) -> None:
        """A person removes all files of a folder."""
        for lfn in [lfn for lfn in self.files if lfn.startswith(f"{folder}/")]:
            self.remove(lfn)

    def find(self, query: Mapping[str, Any]) -> list[str]:
        key = repr(query)
        if key not in self._found:
            self._found[key] = super().find(query)
        return list(self._found[key])

    def serve_setMetadata(self, path: str, metadata: dict[str, Any]) -> None:  # noqa: N802
        self._found.clear()
        super().serve_setMetadata(path, metadata)

    def serve_removeDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for name in datasets:
            if any(d.status == "Frozen" for d in self.datasets.values() if d.path == name):
                self.grid.watcher.destroyed(f"dataset {name}")
        return super().serve_removeDataset(datasets)
