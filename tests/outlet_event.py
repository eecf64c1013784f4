"""The events of a task's outlets, as a task writes them, without Airflow."""

from __future__ import annotations

from typing import Any


class OutletEvent:
    """The event of an asset, or what was added to an alias: asset → what its event holds."""

    def __init__(self) -> None:
        self.extra: Any = None
        self.added: dict[str, Any] = {}

    def add(self, asset: Any, *, extra: Any) -> None:
        """Add the event of an asset that only the run knows."""
        self.added[asset.uri] = extra
