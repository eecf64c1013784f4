"""The in-memory grid treats requests as DIRAC does, also those that cannot work."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec, TransformationSpec
from tests.unit.gateway.procedures.recovery_site import QUERY, Site


def copying(**attributes: str) -> Site:
    """A site where the requests of a Replication have had time to be done."""
    copy = RequestOperation(type="ReplicateAndRegister", attributes=attributes)
    spec = TransformationSpec(
        name="copy",
        description="",
        type="Replication",
        body=RequestSpec(operations=(copy,)),
        input_query=QUERY,
    )
    return Site(files=2, spec=spec, watched=True)


def statuses(site: Any) -> set[str]:
    (transformation,) = site.grid.transformations.values()
    return {str(task.status) for task in transformation.tasks.values()}


@pytest.mark.parametrize("attributes", [{}, {"TargetSE": ""}])
def test_tasks_whose_request_dirac_refuses_stay_created(attributes: dict[str, str]) -> None:
    assert statuses(copying(**attributes)) == {"Created"}
    assert "Created" not in statuses(copying(TargetSE="DISK-B-SE"))
