"""The grid is asked for all viewers together, and an outage leaves what it said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page import from_grid
from dirac_prodsys.provider.page.keeper import Keeper
from tests.unit.provider.page.conftest import As
from tests.unit.provider.page.scenario import NOW


class Grid:
    """A grid that counts looks, and may be down. Three calls make a look."""

    def __init__(self) -> None:
        self.settings = GatewaySettings(backend="memory", poll_interval=30)
        self.asked: list[list[int]] = []
        self.down = False

    def snapshot(self, ids: Any) -> dict[int, Snapshot]:
        self.asked.append(list(ids))
        if self.down:
            raise GatewayUnavailable("connection refused")
        active = TransformationStatus.ACTIVE
        files = {"Processed": 12, "Assigned": 2}
        merge = Snapshot(12, _MERGE, "Merging", active, files=files, tasks={"Running": 1})
        return {12: merge} if 12 in ids else {}


_MERGE = f"rings__{run_tag('manual__2026-03-01T12:00:00+00:00')}__merge"


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch, told: Ledger) -> Grid:
    found = Grid()
    extra = {"backend": "memory", "config": "page", "poll_interval": 30}
    connection = json.dumps({"conn_type": "dirac", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_DIRAC_DEFAULT", connection)
    monkeypatch.setattr(from_grid, "open_gateway", lambda _settings: found)
    return found


def test_fifty_viewers_cost_the_grid_what_one_does(as_user: As, grid: Grid) -> None:
    vera = as_user("vera")
    for _ in range(50):
        assert vera.get("/api/productions").status_code == 200
    assert len(grid.asked) == 1
    assert sorted(grid.asked[0]) == [1, 2, 11, 12]  # not those of the run that is over


def test_while_nobody_looks_the_grid_is_not_asked(
    keeper: Keeper, airflow: None, grid: Grid
) -> None:
    keeper.refresh()
    assert grid.asked == []


def test_a_run_shows_what_the_grid_says_now(as_user: As, grid: Grid) -> None:
    row = as_user("vera").get("/api/productions?production=rings").json()["rows"][0]
    assert row["steps"][1]["bar"]["words"] == "12 of 14 files processed, 2 running"
    assert row["state"]["words"].startswith("merge 12/14 files")


def test_an_outage_leaves_what_the_grid_said_with_its_age(
    as_user: As, grid: Grid, keeper: Keeper
) -> None:
    vera = as_user("vera")
    before = vera.get("/api/productions").json()["rows"]
    grid.down = True
    keeper.clock = keeper.grids.clock = lambda: NOW.timestamp() + 600
    answer = vera.get("/api/productions").json()
    after = {row["key"]: row["steps"] for row in answer["rows"]}
    assert after == {row["key"]: row["steps"] for row in before}
    seen = answer["sources"]["grid"]
    assert (seen["words"], seen["stale"]) == ("10 min old", True)
    assert seen["why"] == "the grid does not answer: connection refused"
    grid.down = False
    keeper.clock = keeper.grids.clock = lambda: NOW.timestamp() + 700
    again = vera.get("/api/productions").json()["sources"]["grid"]
    assert (again["stale"], again["why"]) == (False, "")


def test_an_age_that_is_no_greater_than_must_be_is_not_called_old(
    as_user: As, grid: Grid, keeper: Keeper
) -> None:
    """A connection may be looked at by each second; the page asks four times a minute."""
    grid.settings = GatewaySettings(backend="memory", poll_interval=1)
    vera = as_user("vera")
    vera.get("/api/productions")
    keeper.clock = keeper.grids.clock = lambda: NOW.timestamp() + 12
    answer = vera.get("/api/productions").json()
    assert (answer["sources"]["grid"]["words"], len(grid.asked)) == ("12 s old", 1)
    assert answer["sources"]["grid"]["stale"] is False
