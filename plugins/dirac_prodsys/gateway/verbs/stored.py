"""Reads a transformation from the Transformation System, and compares it with the requested one.

Invariant: the comparison uses the meaning (a meta query by its conditions, a group size as a
number), never the spelling, which a database may change.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import MetaQueryError
from dirac_prodsys.gateway.bodies.banned_sites import as_created
from dirac_prodsys.gateway.verbs.parameters import holds

#: most lines of a differing body that a message shows
_BODY_LINES = 30


@dataclass(frozen=True)
class StoredTransformation:
    """One transformation as it was read back.

    :param input_query: None: there is none, or it was lost.
    :param parameters: additional parameters.
    """

    id: int
    status: str
    type: str
    plugin: str
    agent_type: str
    group_size: float
    body: str
    input_query: Mapping[str, Any] | None = None
    output_query: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(
        cls,
        row: Mapping[str, Any],
        *,
        input_query: Mapping[str, Any] | None,
        output_query: Mapping[str, Any] | None,
    ) -> StoredTransformation:
        """Build it from ``getTransformation(…, extraParams=True)`` and the two queries."""
        return cls(
            id=int(row["TransformationID"]),
            status=str(row["Status"]),
            type=str(row["Type"]),
            plugin=str(row["Plugin"]),
            agent_type=str(row["AgentType"]),
            group_size=float(row["GroupSize"]),
            body=as_created(str(row["Body"])),
            input_query=input_query,
            output_query=output_query,
            parameters={k: v for k, v in row.items() if k not in _COLUMNS},
        )


def differences(
    spec: TransformationSpec, body: str, stored: StoredTransformation, *, resized: bool = False
) -> list[str]:
    """Return one readable line for each difference; empty: it equals the request.

    :param resized: somebody has set another group size since: it does not count.

    The agent type counts only while the transformation is New, and only if it should be Automatic:
    starting sets it to Automatic, stopping changes it.
    """
    if stored.status in REMOVED_TRANSFORMATION:
        return [f"status: somebody removed it, it is {stored.status}"]
    pairs = [
        ("type", spec.type, stored.type),
        ("plugin", spec.plugin, stored.plugin),
    ]
    if stored.status == TransformationStatus.NEW and spec.agent_type == "Automatic":
        pairs.append(("agent type", spec.agent_type, stored.agent_type))
    lines = [
        f"{what}: asked {mine!r}, found {theirs!r}"
        for what, mine, theirs in pairs
        if mine != theirs
    ]
    # the column is a FLOAT of 24 bits
    if not resized and not math.isclose(spec.group_size, stored.group_size, rel_tol=1e-6):
        lines.append(f"group size: asked {spec.group_size:g}, found {stored.group_size:g}")
    lines += _query_difference("input query", spec.input_query, stored.input_query)
    lines += _query_difference("output query", spec.output_query, stored.output_query)
    lines += [
        f"parameter {name}: asked {value!r}, found {stored.parameters[name]!r}"
        for name, value in spec.parameters.items()
        if name in stored.parameters and not holds(stored.parameters[name], value)
    ]
    if body != stored.body:
        lines += ["body:", *_body_difference(body, stored.body)]
    return lines


def unfinished(spec: TransformationSpec, body: str, stored: StoredTransformation) -> bool:
    """Check whether the row is what a creation leaves behind that died in the middle.

    The row is inserted whole, then the meta queries condition by condition. So it is New, differs
    in nothing else, and the stored part of its queries is part of the requested ones.
    """
    if stored.status != TransformationStatus.NEW:
        return False
    without = spec.model_copy(update={"input_query": None, "output_query": None})
    bare = StoredTransformation(**{**vars(stored), "input_query": None, "output_query": None})
    if differences(without, body, bare):
        return False
    parts = (
        _part(spec.input_query, stored.input_query),
        _part(spec.output_query, stored.output_query),
    )
    return None not in parts and "part" in parts


def _part(asked: MetaQuery | None, found: Mapping[str, Any] | None) -> str | None:
    """Return ``whole``, ``part``, or None if something else is stored."""
    wanted = asked.to_dirac() if asked else {}
    have = dict(found or {})
    if any(key not in wanted or wanted[key] != value for key, value in have.items()):
        return None
    return "whole" if have.keys() == wanted.keys() else "part"


def _query_difference(
    what: str, asked: MetaQuery | None, found: Mapping[str, Any] | None
) -> list[str]:
    mine = asked if asked is not None and not asked.is_empty else None
    try:
        theirs = MetaQuery.from_dirac(found) if found else None
    except MetaQueryError as error:
        return [f"{what}: asked {mine}, found {found!r}, which is none ({error.reason})"]
    if mine == theirs:
        return []
    return [f"{what}: asked {mine or 'none'}, found {theirs or 'none'}"]


def _body_difference(asked: str, found: str) -> list[str]:
    lines = list(
        difflib.unified_diff(
            found.splitlines(), asked.splitlines(), "found", "asked", lineterm="", n=0
        )
    )
    shown = [f"  {line[:200]}" for line in lines[:_BODY_LINES]]
    if len(lines) > _BODY_LINES:
        shown.append(f"  … and {len(lines) - _BODY_LINES} more lines")
    return shown


_COLUMNS = frozenset(
    {
        "TransformationID",
        "TransformationName",
        "Description",
        "LongDescription",
        "CreationDate",
        "LastUpdate",
        "Author",
        "AuthorDN",
        "AuthorGroup",
        "Type",
        "Plugin",
        "AgentType",
        "Status",
        "FileMask",
        "TransformationGroup",
        "GroupSize",
        "InheritedFrom",
        "Body",
        "MaxNumberOfTasks",
        "EventsPerTask",
        "TransformationFamily",
    }
)
