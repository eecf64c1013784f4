"""Finds what an operation removes, and from where; and whether a query is bounded.

Invariant: pure; what is unknown (a place that a plugin chooses) is absent, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery

#: operations that remove the file
OF_FILES = frozenset({"RemoveFile", "PhysicalRemoval"})
#: operations that remove a replica: at TargetSE, and at SourceSE
OF_REPLICAS = frozenset({"RemoveReplica", "PhysicalRemoval"})
OF_SOURCES = frozenset({"MoveReplica"})
#: operations that make replicas at TargetSE
COPYING = frozenset({"ReplicateAndRegister", "MoveReplica"})

_CHOSEN = "TASK:TargetSE"


def unbounded(query: MetaQuery) -> bool:
    """Whether nothing bounds what a query selects: no value, no list, no range with two ends.

    With only ``Any``, ``Missing``, negations and ranges with one end, any future file may match.
    """
    return not any(_bounds(condition) for condition in query.to_dirac().values())


def operations(spec: TransformationSpec) -> tuple[RequestOperation, ...]:
    """Return the operations of a transformation's requests; none if its tasks are jobs."""
    return spec.body.operations if isinstance(spec.body, RequestSpec) else ()


def takes_away(spec: TransformationSpec) -> bool:
    """Whether the transformation removes files or replicas."""
    return any(o.type in OF_FILES | OF_REPLICAS | OF_SOURCES for o in operations(spec))


def copies(spec: TransformationSpec) -> bool:
    """Whether the transformation copies files."""
    return any(operation.type in COPYING for operation in operations(spec))


def only_takes_away(spec: TransformationSpec) -> bool:
    """Whether the transformation only removes its files."""
    done = operations(spec)
    return bool(done) and all(o.type in OF_FILES | OF_REPLICAS for o in done)


def removed_from(operation: RequestOperation, spec: TransformationSpec) -> frozenset[str]:
    """Return where the operation removes replicas, as far as it is known."""
    if operation.type in OF_REPLICAS:
        return _places(operation, "TargetSE", spec)
    return _places(operation, "SourceSE", spec) if operation.type in OF_SOURCES else frozenset()


def copied_to(operation: RequestOperation, spec: TransformationSpec) -> frozenset[str]:
    """Return where replicas exist after the operation, as far as it is known."""
    return _places(operation, "TargetSE", spec) if operation.type in COPYING else frozenset()


def _bounds(condition: Any) -> bool:
    """Whether a condition, in DIRAC's form, names values or a range with two ends."""
    if not isinstance(condition, Mapping):
        return False
    below, above = condition.keys() & {"<", "<="}, condition.keys() & {">", ">="}
    return bool(condition.keys() & {"=", "in"} or (below and above))


def _places(operation: RequestOperation, name: str, spec: TransformationSpec) -> frozenset[str]:
    places = operation.attributes.get(name, "")
    if places == _CHOSEN:
        places = str(spec.parameters.get("TargetSE", ""))
    return frozenset(re.findall(r"[A-Za-z0-9_.-]+", places))
