"""Counts how often watchers have looked at the catalogue, so that tests wait for looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dirac_prodsys.provider.waiting.new_files import CatalogueWatch
from tests.patience import patience


class Looks:
    """How many looks have begun."""

    def __init__(self) -> None:
        self.begun = 0

    async def more(self, number: int) -> None:
        """Wait until so many more have begun; what the one before them was for is done then."""
        wanted = self.begun + number
        async with asyncio.timeout(patience(10)):
            while self.begun < wanted:
                await asyncio.sleep(0.001)


@contextmanager
def counted() -> Iterator[Looks]:
    """Count the looks of all watchers."""
    looks, look = Looks(), CatalogueWatch._look

    async def counting(self: CatalogueWatch, *given: Any) -> Any:
        looks.begun += 1
        return await look(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CatalogueWatch, "_look", counting)
        yield looks
