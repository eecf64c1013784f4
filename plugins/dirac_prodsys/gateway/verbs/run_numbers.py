"""Reads and claims run numbers on the grid, so that no number is used twice.

A transformation keeps its range as an additional parameter, and its campaign as its family, which
is a column with an index: one call finds all of a campaign, archived ones included.

Invariant: if two creations want the same number at the same time, at most one succeeds: each
writes its range first and reads the others afterwards, and withdraws if it finds an overlap.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.grid import run_numbers
from dirac_prodsys.core.grid.run_numbers import RunRange
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION
from dirac_prodsys.errors import Conflict
from dirac_prodsys.gateway.verbs.parameters import as_written
from dirac_prodsys.gateway.verbs.services import ServiceCalls

_COLUMNS = ["TransformationID", "TransformationName", "Status", "TransformationFamily"]


class RunVerbs(ServiceCalls):
    """Implements the verb of :class:`ProductionGateway` about run numbers."""

    def used_runs(self, campaign: str) -> tuple[RunRange, ...]:
        """See :meth:`ProductionGateway.used_runs`."""
        return tuple(found for _, found in self._claims(campaign))

    def _claims(self, campaign: str) -> Iterator[tuple[int, RunRange]]:
        where = {"TransformationFamily": [campaign]}
        arguments = (where, None, None, "CreationDate", None, None, True, None, _COLUMNS)
        for row in self._ts("getTransformations", *arguments):
            text = row.get(run_numbers.RUN_NUMBERS)
            if text is None or row["Status"] in REMOVED_TRANSFORMATION:
                continue
            name = str(row["TransformationName"])
            found = run_numbers.read(name, as_written(text))
            if found is not None:
                yield int(row["TransformationID"]), found

    def _refuse_used_runs(self, spec: TransformationSpec, own: int = 0) -> None:
        """Refuse numbers that another transformation uses.

        :param own: ID of the spec's own transformation, if it has one.
        :raises Conflict: another transformation uses one of the numbers.
        """
        mine = _wanted(spec)
        if mine is None:
            return
        for identifier, other in self._claims(mine.campaign):
            if identifier != own and other.owner != spec.name and mine.overlaps(other):
                raise Conflict(
                    f"run numbers {mine.first} to {mine.last} of {mine.campaign} overlap with "
                    f"{other.first} to {other.last}, which transformation {identifier} "
                    f"{other.owner} uses",
                    "the same numbers make the same events: begin with another number, best by "
                    "a parameter of each run, or clean the other transformation",
                )

    def _claim_runs(self, spec: TransformationSpec, identifier: int) -> None:
        """Write which numbers the transformation uses; repeating it changes nothing.

        :raises Conflict: somebody else has claimed a number meanwhile; then our claim is withdrawn.
        """
        mine = _wanted(spec)
        if mine is None:
            return
        self._ts("setTransformationParameter", identifier, "TransformationFamily", mine.campaign)
        self._ts("setTransformationParameter", identifier, run_numbers.RUN_NUMBERS, mine.to_text())
        try:
            self._refuse_used_runs(spec, identifier)
        except Conflict:
            self._ts("deleteTransformationParameter", identifier, run_numbers.RUN_NUMBERS)
            raise


def _wanted(spec: TransformationSpec) -> RunRange | None:
    text = spec.parameters.get(run_numbers.RUN_NUMBERS)
    return None if text is None else run_numbers.read(spec.name, str(text))
