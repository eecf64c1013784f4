"""Operations of requests are judged as DIRAC's RequestValidator and Operation treat them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.grid.request_rules import REQUIRED, mistakes
from dirac_prodsys.core.job_types import JobContext
from dirac_prodsys.core.job_types.request import Request
from dirac_prodsys.gateway.bodies import render

CONTEXT = JobContext("a", "Replication", ())
TASK = {"InputData": ["/sim/a", "/sim/b"], "TargetSE": "C-SE,D-SE", "TransformationID": 7}


def request_of(*operations: dict[str, str]) -> Any:
    """The request that DIRAC makes of one task with these operations."""
    from DIRAC.TransformationSystem.Client.RequestTasks import RequestTasks

    written = Request.model_validate({"type": "request", "operations": list(operations)})
    body = json.loads(render(written.body(CONTEXT)))
    request = RequestTasks._buildOperationsBodyForTask(body, TASK, "someone", "some_group")
    request.RequestName, request.Owner, request.OwnerGroup = "7_1", "someone", "some_group"
    return request


def test_the_table_of_what_is_required_is_that_of_diracs_validator() -> None:
    from DIRAC.RequestManagementSystem.private.RequestValidator import RequestValidator

    found = {
        kind: (set(needed["Operation"]), set(needed["Files"]))
        for kind, needed in RequestValidator.reqAttrs.items()
    }
    assert found == {kind: (set(a), set(b)) for kind, (a, b) in REQUIRED.items()}


@pytest.mark.parametrize("kind", sorted(REQUIRED))
@pytest.mark.parametrize(
    "attributes",
    [{}, {"TargetSE": "A-SE"}, {"TargetSE": ""}, {"TargetSE": "TASK:TargetSE"}],
    ids=["nothing", "a place", "no place", "of the task"],
)
def test_an_operation_without_a_mistake_is_one_that_diracs_validator_takes(
    kind: str, attributes: dict[str, str]
) -> None:
    from DIRAC.RequestManagementSystem.private.RequestValidator import RequestValidator

    if kind in ("ForwardDISET", "PutAndRegister", "ReTransfer"):
        assert list(mistakes(kind, attributes))  # no word of this language
        return
    valid = RequestValidator().validate(request_of({"type": kind, **attributes}))
    assert valid["OK"] == (not list(mistakes(kind, attributes))), valid


def test_names_of_places_reach_dirac_without_the_blanks_around_them() -> None:
    operation = {"type": "ReplicateAndRegister", "TargetSE": "A-SE , B-SE", "SourceSE": " C-SE "}
    (made,) = list(request_of(operation))
    assert made.targetSEList == ["A-SE", "B-SE"]
    assert made.SourceSE == "C-SE"


def test_what_the_task_was_made_for_stands_alone() -> None:
    (made,) = list(request_of({"type": "ReplicateAndRegister", "TargetSE": "TASK:TargetSE"}))
    assert made.targetSEList == ["C-SE", "D-SE"]
    lost = {"type": "ReplicateAndRegister", "TargetSE": "A-SE,TASK:TargetSE"}
    assert list(mistakes("ReplicateAndRegister", {"TargetSE": lost["TargetSE"]}))
    assert next(iter(request_of(lost))).targetSEList == ["C-SE", "D-SE"]
