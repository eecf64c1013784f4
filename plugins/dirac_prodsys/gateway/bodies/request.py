"""Renders a data-management body: the JSON list of operations for the request of every task.

Invariant: the list holds only what ``RequestTasks`` understands
(``TransformationSystem/Client/TaskManager`` and ``Client/BodyPlugin``, DIRAC 9.1).
"""

from __future__ import annotations

import json

from dirac_prodsys.core.grid.specs import RequestSpec
from dirac_prodsys.errors import GatewayRejected

#: attributes of an operation (``RequestManagementSystem/Client/Operation.py``)
ATTRIBUTES = frozenset(
    {
        "Arguments",
        "Catalog",
        "CreationTime",
        "Error",
        "LastUpdate",
        "OperationID",
        "Order",
        "RequestID",
        "SourceSE",
        "Status",
        "SubmitTime",
        "TargetSE",
        "Type",
    }
)


def render(body: RequestSpec) -> str:
    """Return the JSON text of the operations.

    :raises GatewayRejected: there is none, or one has an attribute that DIRAC does not know.
    """
    if not body.operations:
        raise GatewayRejected("a request body has no operation", "name at least one")
    for operation in body.operations:
        unknown = set(operation.attributes) - ATTRIBUTES
        if unknown:
            raise GatewayRejected(
                f"operation {operation.type} has no attribute {', '.join(sorted(unknown))}",
                f"use some of: {', '.join(sorted(ATTRIBUTES))}",
            )
    return json.dumps(
        [
            [operation.type, dict(sorted(operation.attributes.items()))]
            for operation in body.operations
        ]
    )
