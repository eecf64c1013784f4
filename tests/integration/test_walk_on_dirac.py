"""Walks side by side on DIRAC's own services and agents."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dirac_prodsys.gateway.records import GatewaySettings
from sandbox import Grid
from tests.integration.conftest import TRANSFORMATION_MANAGER
from tests.walk.on_dirac import DiracWalk, seams

pytestmark = pytest.mark.grid

#: walks in every test run; `make walk` walks 30
WALKS = int(os.environ.get("WALKS_ON_DIRAC", "3"))


def suffer(grid: Grid, over: threading.Event) -> None:
    """What the grid as a whole suffers: its agents stand still, its service is away."""
    for wait in (8, 12):
        over.wait(wait)
        grid.freeze("executor")
        over.wait(5)
        grid.thaw("executor")
    over.wait(3)
    grid.kill_service(TRANSFORMATION_MANAGER)
    over.wait(3)
    grid.start_service(TRANSFORMATION_MANAGER)


@pytest.mark.timeout(4500)
def test_walks_on_dirac_break_nothing(light_grid: Grid, tmp_path: Path) -> None:
    settings = GatewaySettings(
        config=str(light_grid.client_cfg),
        proxy=str(light_grid.proxy("prodmgr", "sim_prod")),
        group="sim_prod",
        timeout=10,
        poll_interval=1.0,
        agent_cycle=2.0,
    )
    walks = [DiracWalk(seed, settings, tmp_path) for seed in range(1, WALKS + 1)]
    over = threading.Event()
    suffering = threading.Thread(target=suffer, args=(light_grid, over))
    suffering.start()
    try:
        with seams(), ThreadPoolExecutor(WALKS) as pool:
            broken = list(pool.map(DiracWalk.run, walks))
    finally:
        over.set()
        suffering.join()
    logs = ["\n".join([w.walked.text, *w.log]) for w, b in zip(walks, broken, strict=True) if b]
    assert not logs, "\n\n".join(logs)
