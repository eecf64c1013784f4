"""Outages of the grid during a wait: nothing fails, no retry is spent, the wait goes on."""

from __future__ import annotations

import time

from tests.e2e.conftest import TRANSFORMATION_MANAGER
from tests.e2e.site import Site

#: seconds that the TransformationManager is away
AWAY = 60.0
TROUBLE = ("success", "failed", "up_for_retry", "upstream_failed")


def test_an_outage_of_a_minute_and_a_database_restart_cost_nothing(site: Site) -> None:
    site.drop("outage", site.gated("step"))
    site.drop("newcomer", site.quick("step"))
    site.known("newcomer")
    site.begin("outage", "run")
    site.waiting("outage", "run", "step.wait_for_completion")

    site.grid.stop_service(TRANSFORMATION_MANAGER)
    try:
        # a run that begins now finds nobody to create its transformation
        site.begin("newcomer", "run")
        back = time.monotonic() + AWAY
        while time.monotonic() < back:
            assert site.states("outage", "run")["step.wait_for_completion"] == "deferred"
            assert site.states("newcomer", "run")["prepare.create.step"] not in TROUBLE
            time.sleep(2)
    finally:
        site.grid.start_service(TRANSFORMATION_MANAGER)
    site.grid.restart_mariadb(away_seconds=5)
    assert site.states("outage", "run")["step.wait_for_completion"] == "deferred"

    site.succeeds("newcomer", "run", seconds=180)
    site.open_gate("outage", "run")
    site.succeeds("outage", "run", seconds=180)
    for name in ("outage", "newcomer"):
        assert set(site.tries(name, "run").values()) == {1}
        assert [status for _id, status in site.rows(name, "run", "step")] == ["Completed"]
