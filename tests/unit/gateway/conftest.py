"""A grid in memory whose clock stands still, and its gateway."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid


@pytest.fixture
def grid() -> MemoryGrid:
    """Agents every 10 s, jobs of 30 s."""
    return MemoryGrid()


@pytest.fixture
def gateway(grid: MemoryGrid) -> MemoryGateway:
    """Its gateway."""
    return MemoryGateway(grid)
