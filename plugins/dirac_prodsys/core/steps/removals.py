"""What an operation removes, and from where; and whether a query bounds what it selects.

Invariant: pure; what is not known (a place that a plugin chooses) is absent, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery

#: operations after which a file is gone
OF_FILES = frozenset({"RemoveFile", "PhysicalRemoval"})
#: operations after which a replica is gone: by TargetSE, and by SourceSE
OF_REPLICAS = frozenset({"RemoveReplica", "PhysicalRemoval"})
OF_SOURCES = frozenset({"MoveReplica"})
#: operations that make replicas at TargetSE
COPYING = frozenset({"ReplicateAndRegister", "MoveReplica"})

_CHOSEN = "TASK:TargetSE"


def unbounded(query: MetaQuery) -> bool:
    """Whether nothing bounds what a query selects: no value, no list, no range with two ends.

    ``Any``, ``Missing``, negations and ranges with one end leave open what else will ever match.
    """
    return not any(_bounds(condition) for condition in query.to_dirac().values())


def operations(spec: TransformationSpec) -> tuple[RequestOperation, ...]:
    """The operations of a transformation's requests; none if its tasks are jobs."""
    return spec.body.operations if isinstance(spec.body, RequestSpec) else ()


def takes_away(spec: TransformationSpec) -> bool:
    """Whether it removes files or replicas."""
    return any(o.type in OF_FILES | OF_REPLICAS | OF_SOURCES for o in operations(spec))


def copies(spec: TransformationSpec) -> bool:
    """Whether it copies files."""
    return any(operation.type in COPYING for operation in operations(spec))


def only_takes_away(spec: TransformationSpec) -> bool:
    """Whether it does nothing with its files but to remove them."""
    done = operations(spec)
    return bool(done) and all(o.type in OF_FILES | OF_REPLICAS for o in done)


def removed_from(operation: RequestOperation, spec: TransformationSpec) -> frozenset[str]:
    """Where replicas are gone after the operation, as far as it is known."""
    if operation.type in OF_REPLICAS:
        return _places(operation, "TargetSE", spec)
    return _places(operation, "SourceSE", spec) if operation.type in OF_SOURCES else frozenset()


def copied_to(operation: RequestOperation, spec: TransformationSpec) -> frozenset[str]:
    """Where replicas are after the operation, as far as it is known."""
    return _places(operation, "TargetSE", spec) if operation.type in COPYING else frozenset()


def _bounds(condition: Any) -> bool:
    """Whether a condition, in DIRAC's form, names values or a range with two ends."""
    if not isinstance(condition, Mapping):
        return False
    below, above = condition.keys() & {"<", "<="}, condition.keys() & {">", ">="}
    return bool(condition.keys() & {"=", "in"} or (below and above))


def _places(operation: RequestOperation, name: str, spec: TransformationSpec) -> frozenset[str]:
    said = operation.attributes.get(name, "")
    if said == _CHOSEN:
        said = str(spec.parameters.get("TargetSE", ""))
    return frozenset(re.findall(r"[A-Za-z0-9_.-]+", said))
