"""Limitations of CTADIRAC's agent in its calls; see tests/unit/core/policy/test_lessons.py."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.gateway.procedures import recovery, reports
from tests.unit.gateway.procedures.recovery_site import Site


def test_10_tasks_are_asked_for_by_number_and_not_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    site, asked = Site(files=3), []
    serve = site.grid.serve_getTransformationTasks

    def spy(where: dict[str, Any]) -> Any:
        asked.append(where)
        return serve(where)

    monkeypatch.setattr(site.grid, "serve_getTransformationTasks", spy)
    site.recover()
    assert asked == [{"TransformationID": site.id, "TaskID": [1, 2, 3]}]


def test_1_and_15_every_call_is_one_of_vanilla_dirac() -> None:
    """CTADIRAC's agent is inert on DIRAC 9.1, and needs calls that only its own services have."""
    from DIRAC.DataManagementSystem.Service import FileCatalogHandler
    from DIRAC.TransformationSystem.Service import TransformationManagerHandler
    from DIRAC.WorkloadManagementSystem.Service import JobMonitoringHandler

    manager = TransformationManagerHandler.TransformationManagerHandlerMixin
    handlers = {
        "Transformation/TransformationManager": manager,
        "DataManagement/FileCatalog": FileCatalogHandler.FileCatalogHandlerMixin,
        "WorkloadManagement/JobMonitoring": JobMonitoringHandler.JobMonitoringHandlerMixin,
    }
    site = Site(files=3)
    site.recover()
    reports.report_on(site.gateway, site.id, "merge")
    recovery.vanished(site.gateway, site.id)
    site.gateway.flush_transformation(site.id)
    site.gateway.complete_transformation(site.id)
    calls = [name.rsplit(".", 1) for name in site.gateway.services.calls]
    assert {service for service, _ in calls} == set(handlers)
    unknown = [m for s, m in calls if not hasattr(handlers[s], f"export_{m}")]
    assert unknown == []
