"""Failed requests of data management: what they tell, and what they failed on is tried again."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec, TransformationSpec
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.procedures import reports
from dirac_prodsys.gateway.verbs.services import JOBS, REQUESTS
from tests.unit.gateway.procedures.recovery_site import QUERY, Site


def copying(group_size: int = 1) -> TransformationSpec:
    copy = RequestOperation(type="ReplicateAndRegister", attributes={"TargetSE": "DISK-B-SE"})
    return TransformationSpec(
        name="copy",
        description="",
        type="Replication",
        group_size=group_size,
        body=RequestSpec(operations=(copy,)),
        input_query=QUERY,
    )


def full_until(number: int) -> Any:
    """Requests up to this one meet a full disk."""

    def fails(task: Task) -> bool:
        task.minor = f"No space left on device: /disk/{task.id}/data (Max attempts limit reached)"
        return task.id <= number

    return fails


def test_failed_requests_are_made_again_and_the_report_names_their_error() -> None:
    site = Site(files=2, spec=copying(), watched=True, fails=full_until(4))
    rules = StepRules(True).shaped(site.spec)
    assert site.files == {"0": "Problematic", "1": "Problematic"}
    for _ in range(2):
        outcome = site.recover(rules)
        assert outcome.to_dict()["requeued"] == {"Failed: No space left on device: PATH": 2}
        assert outcome.files == 0
        site.grid.advance(100)
    assert site.files == {"0": "Processed", "1": "Processed"}
    report = reports.report_on(site.gateway, site.id, "copy")
    assert report is not None
    (cause,) = report.causes()
    assert cause.text == "Failed: No space left on device: PATH: ReplicateAndRegister"
    assert (cause.total, cause.site) == (4, "DISK-B-SE")
    assert report.requeued == {"Failed: No space left on device: PATH": 4}
    assert "4 requests: Failed: No space left" in report.to_text()


def test_requests_are_made_again_as_often_as_allowed() -> None:
    site = Site(files=1, spec=copying(), watched=True, fails=full_until(99))
    rules = StepRules(True).shaped(site.spec)
    for _ in range(6):
        last = site.recover(rules)
        site.grid.advance(100)
    assert (last.asked, last.files) == (0, 1)
    assert site.files == {"0": "Problematic"}
    assert len(site.grid.transformations[site.id].tasks) == 1 + rules.recovery.max_resets


@pytest.mark.parametrize(("watched", "becomes"), [(True, "Problematic"), (False, "MaxReset")])
def test_a_rule_by_the_error_of_a_request_decides(watched: bool, becomes: str) -> None:
    site = Site(files=1, spec=copying(), watched=watched, fails=full_until(1))
    given_up = RecoveryRules(errors=(ErrorRule("give_up", minor="no space left*"),))
    rules = StepRules(True, recovery=given_up).shaped(site.spec)
    assert site.recover(rules).to_dict()["requeued"] == {}
    assert site.files == {"0": becomes}


def test_requests_are_not_looked_up_as_jobs() -> None:
    site = Site(files=1, spec=copying(), fails=full_until(1))
    report = reports.report_on(site.gateway, site.id, "copy")
    assert report is not None
    assert report == reports.report_on(site.gateway, site.id, "copy", by_requests=True)
    assert not any(JOBS in call for call in site.gateway.services.calls)


def test_a_report_asks_a_bounded_number_of_requests_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(files=5, spec=copying(), fails=full_until(5))
    monkeypatch.setattr(reports, "MOST_REQUESTS", 2)
    report = reports.report_on(site.gateway, site.id, "copy")
    assert report is not None
    assert report.note == "of 5 failed requests, the errors of 2 were looked up"
    assert sum(row.total for row in report.rows if row.minor) == 2
    assert site.gateway.services.calls[f"{REQUESTS}.peekRequest"] == 2


def test_without_request_management_the_status_alone_is_reported() -> None:
    site = Site(files=1, spec=copying(), fails=full_until(1))
    refused = GatewayRejected("the configuration names no URL for RequestManagement/ReqManager")
    with mock.patch.object(MemoryGateway, "request_states", side_effect=refused):
        report = reports.report_on(site.gateway, site.id, "copy")
    assert report is not None
    assert "request management was not asked" in report.note
    assert [(row.status, row.minor) for row in report.rows] == [("Failed", "")]
