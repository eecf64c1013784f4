"""The failed jobs of a step are the grid's own, seen for all viewers together."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.recovery.decisions import TaskState
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page import from_grid, jobs_now
from dirac_prodsys.provider.page.keeper import Keeper
from tests.unit.provider.page.conftest import As
from tests.unit.provider.page.scenario import NOW

MERGE = f"rings__{run_tag('manual__2026-03-01T12:00:00+00:00')}__merge"
STEP = "/api/dags/rings/runs/~/steps/merge"


class Grid:
    """A grid with failed jobs, that counts how often it is asked for them."""

    def __init__(self) -> None:
        self.settings = GatewaySettings(backend="memory", poll_interval=30)
        self.asked = 0
        self.down = False
        self.failed = {71: "SITE.A", 72: "SITE.B", 73: "SITE.B"}

    def snapshot(self, ids: Any) -> dict[int, Snapshot]:
        files, tasks = {"Processed": 12, "Assigned": 2}, {"Done": 4, "Failed": len(self.failed)}
        active = TransformationStatus.ACTIVE
        merge = Snapshot(12, MERGE, "Merging", active, files=files, tasks=tasks)
        return {12: merge} if 12 in ids else {}

    def failed_tasks(self, _transformation: int, _most: int) -> list[TaskState]:
        self.asked += 1
        if self.down:
            raise GatewayUnavailable("connection refused")
        return [TaskState(job - 70, "Failed", job) for job in self.failed]

    def job_states(self, jobs: Any) -> dict[int, JobState]:
        words = "Failed", "Stalled", "x"
        return {job: JobState(job, *words, site=self.failed[job]) for job in jobs}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_connection(**more: str) -> None:
        extra = {"backend": "memory", "config": "page", "poll_interval": 30, **more}
        connection = json.dumps({"conn_type": "dirac", "extra": extra})
        monkeypatch.setenv("AIRFLOW_CONN_DIRAC_DEFAULT", connection)

    set_connection()
    return set_connection


@pytest.fixture
def grid(
    monkeypatch: pytest.MonkeyPatch, told: Ledger, connect: Callable[..., None], keeper: Keeper
) -> Grid:
    found = Grid()
    monkeypatch.setattr(from_grid, "open_gateway", lambda _settings: found)
    keeper.clock = keeper.grids.clock = lambda: NOW.timestamp() + 60
    return found


def test_failures_are_those_of_now_by_cause_and_site_for_all_viewers_once(
    as_user: As, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_now, "_EVERY", 1e6)  # however slow this machine is
    vera = as_user("vera")
    for _ in range(50):
        found = vera.get(STEP).json()["failures"]
    assert grid.asked == 1
    assert (found["total"], found["live"], found["note"]) == (3, True, "")
    assert found["sites"] == ["SITE.B", "SITE.A"]
    assert [(cell["site"], cell["count"]) for cell in found["cells"]] == [
        ("SITE.B", 2),
        ("SITE.A", 1),
    ]
    assert found["cells"][0]["samples"] == [
        {"job": 72, "href": "", "log": ""},
        {"job": 73, "href": "", "log": ""},
    ]


def test_samples_lead_to_the_job_and_its_log(
    as_user: As, grid: Grid, connect: Callable[..., None]
) -> None:
    connect(job_portal="https://dirac.example.org/job/{id}", job_log="https://logs.x.org/{id}/")
    sample = as_user("vera").get(STEP).json()["failures"]["cells"][0]["samples"][0]
    assert sample == {
        "job": 72,
        "href": "https://dirac.example.org/job/72",
        "log": "https://logs.x.org/72/",
    }


def test_an_outage_leaves_what_was_seen_and_says_so(
    as_user: As, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_now, "_EVERY", 0.0)
    monkeypatch.setattr(jobs_now, "_TIMES", 0.0)
    vera = as_user("vera")
    assert vera.get(STEP).json()["failures"]["total"] == 3
    grid.down = True
    asked = grid.asked
    for _ in range(200):  # the look is made beside the answer
        found = vera.get(STEP).json()["failures"]
        if not found["live"]:
            break
    assert grid.asked > asked
    assert (found["total"], found["live"]) == (3, False)
    assert found["note"] == "the grid does not answer: connection refused"


def test_a_step_without_failed_jobs_asks_nothing(as_user: As, grid: Grid) -> None:
    grid.failed = {}
    assert as_user("vera").get(STEP).status_code == 200
    assert grid.asked == 0
