"""Attaches files with good copies to the step that removes the originals.

Invariant: a file is attached only after its replicas at every requested place have been read from
the storage and equal those of the catalogue. If too many differ, no file is attached: a failed copy
is examined before anything is removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.policy.files import enough_files
from dirac_prodsys.errors import TransformationFailed
from dirac_prodsys.gateway.protocol import ProductionGateway

#: most files with a bad copy that are named
_NAMED = 20


@dataclass(frozen=True)
class Verified:
    """The result of comparing copies with the catalogue.

    :param attached: files that were attached now.
    :param good: files whose copies are good, those attached earlier included.
    :param bad: why a copy is not good, by file.
    """

    attached: int
    good: int
    bad: Mapping[str, str]

    @property
    def bad_lines(self) -> list[str]:
        """Return one line for each bad copy, as many as are worth reading."""
        named = [f"{lfn}: {why}" for lfn, why in sorted(self.bad.items())[:_NAMED]]
        rest = len(self.bad) - len(named)
        return [*named, f"and {rest} more"] if rest else named


def attach_verified(
    gateway: ProductionGateway,
    copying: int,
    removing: int,
    places: Sequence[str],
    rules: StepRules,
) -> Verified:
    """Attach the files that one transformation copied well to the transformation that removes them.

    :param copying: the transformation that copied; its Processed files count as copied.
    :param removing: the transformation that they are attached to.
    :param places: storage elements at each of which the copy must be good.
    :param rules: how many may be bad: ``min_processed`` and ``max_problematic``.
    :raises TransformationFailed: more are bad; then none is attached.
    :raises GatewayError: as its verbs do; it may be repeated.
    """
    copied = {f.lfn for f in gateway.attached_files(copying, [str(FileStatus.PROCESSED)])}
    states = [str(state) for state in FileStatus]
    already = {f.lfn for f in gateway.attached_files(removing, states)}
    asked = sorted(copied - already)
    bad: dict[str, str] = {}
    for place in places:
        for lfn, why in gateway.bad_replicas(place, asked).items():
            bad.setdefault(lfn, why)
    good = len(copied) - len(bad)
    found = Verified(0, good, bad)
    counts = {str(FileStatus.PROCESSED): good, str(FileStatus.PROBLEMATIC): len(bad)}
    seen = Snapshot(removing, "", "Removal", TransformationStatus.NEW, files=counts)
    if bad and not enough_files(seen, rules):
        raise TransformationFailed(
            f"{len(bad)} of {len(copied)} copies are not good, and nothing is removed: "
            f"{'; '.join(found.bad_lines)}",
            "mend these copies, or remove their replicas, and clear this task; the sources are "
            "untouched",
        )
    new = [lfn for lfn in asked if lfn not in bad]
    added = gateway.add_files(removing, new) if new else 0
    return Verified(added, good, bad)
