"""Compares a plan with the transformations on the grid; reads them back and changes nothing.

Invariant: ``create_transformation`` adopts what is ``equal`` here, and refuses what is a
``conflict`` here: both ask :mod:`.stored`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.plan.against_grid import Meeting, Standing
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected, MetaQueryError
from dirac_prodsys.gateway.verbs.services import chunks
from dirac_prodsys.gateway.verbs.states import SUMMARY
from dirac_prodsys.gateway.verbs.stored import StoredTransformation, unfinished
from dirac_prodsys.gateway.verbs.transformations import TransformationVerbs

#: names in one call
_CHUNK = 500


class ComparisonVerbs(TransformationVerbs):
    """Implements the verb of :class:`ProductionGateway` that compares a plan with the grid."""

    def compare_transformations(
        self, specs: Sequence[TransformationSpec], group: str = ""
    ) -> tuple[Meeting, ...]:
        """See :meth:`ProductionGateway.compare_transformations`."""
        rows = self._named([spec.name for spec in specs])
        others = self._rows({"TransformationGroup": [group]}, SUMMARY) if group else []
        known = {int(row["TransformationID"]) for row in rows}
        others = [row for row in others if int(row["TransformationID"]) not in known]
        seen = self.snapshot([int(row["TransformationID"]) for row in (*rows, *others)])
        meetings = [self._meeting(spec, rows, seen) for spec in specs]
        return (*meetings, *(_unknown(row, seen) for row in others))

    def _named(self, names: list[str]) -> list[dict[str, Any]]:
        """Return the rows of these names; the database compares names without regard to case."""
        found = []
        for chunk in chunks(names, _CHUNK):
            found += self._rows({"TransformationName": chunk}, SUMMARY)
        return found

    def _meeting(
        self,
        spec: TransformationSpec,
        rows: Iterable[Mapping[str, Any]],
        seen: Mapping[int, Snapshot],
    ) -> Meeting:
        same = [r for r in rows if str(r["TransformationName"]).lower() == spec.name.lower()]
        if not same:
            return Meeting(spec.name, "new")
        row = same[0]
        name, identifier = str(row["TransformationName"]), int(row["TransformationID"])
        stored, body = self._stored(identifier), self._render(spec.body)
        with contextlib.suppress(GatewayRejected):  # then the differences are reported
            spec = self._as_sent(spec)
        standing = _standing(name, stored, seen.get(identifier))
        if len(same) > 1:
            ids = ", ".join(str(one["TransformationID"]) for one in same)
            return Meeting(spec.name, "conflict", (f"name: several have it: {ids}",), "", standing)
        if name != spec.name:
            line = f"name: {name} differs in upper and lower case only"
            return Meeting(spec.name, "conflict", (line,), standing=standing)
        if unfinished(spec, body, stored):
            return Meeting(spec.name, "unfinished", standing=standing)
        lines = tuple(self._differing(spec, body, stored))
        return Meeting(spec.name, "conflict" if lines else "equal", lines, standing=standing)


def _standing(name: str, stored: StoredTransformation, seen: Snapshot | None) -> Standing:
    return Standing(
        id=stored.id,
        name=name,
        status=stored.status,
        type=stored.type,
        plugin=stored.plugin,
        group_size=stored.group_size,
        body_digest=hashlib.sha256(stored.body.encode()).hexdigest(),
        input_query=_query(stored.input_query),
        output_query=_query(stored.output_query),
        files={} if seen is None else seen.files,
        tasks={} if seen is None else seen.tasks,
    )


def _query(form: Mapping[str, Any] | None) -> MetaQuery | None:
    """Return the query; None also for one that is not ours: it is reported as a difference."""
    try:
        return MetaQuery.from_dirac(form) if form else None
    except MetaQueryError:
        return None


def _unknown(row: Mapping[str, Any], seen: Mapping[int, Snapshot]) -> Meeting:
    identifier, name = int(row["TransformationID"]), str(row["TransformationName"])
    counts = seen.get(identifier)
    standing = Standing(
        identifier,
        name,
        str(row["Status"]),
        str(row["Type"]),
        files={} if counts is None else counts.files,
        tasks={} if counts is None else counts.tasks,
    )
    return Meeting(name, "unknown", standing=standing)
