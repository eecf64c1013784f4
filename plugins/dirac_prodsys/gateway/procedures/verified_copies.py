"""Files whose copies are good, attached to the step that removes what was copied.

Invariant: a file is attached only after its replicas at every place that was asked for have been
read from the storage and found to be those of the catalogue. When too many are not, none is: a
copying that went wrong is looked into before anything is removed.
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

#: files with a bad copy that are named
_NAMED = 20


@dataclass(frozen=True)
class Verified:
    """What came of comparing copies with the catalogue.

    :param attached: files that were attached now.
    :param good: files whose copies are good, those attached earlier included.
    :param bad: why a copy is not good, by file.
    """

    attached: int
    good: int
    bad: Mapping[str, str]

    @property
    def told(self) -> list[str]:
        """The bad ones, one line each, as many as are worth reading."""
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
    """Attach to a transformation the files that another one copied, as far as the copies are good.

    :param copying: transformation that copied; what it calls Processed counts as copied.
    :param removing: transformation that they are attached to.
    :param places: storage elements at each of which the copy must be good.
    :param rules: how many may be bad: ``min_processed`` and ``max_problematic``.
    :raises TransformationFailed: more are; then none is attached.
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
            f"{'; '.join(found.told)}",
            "mend these copies, or remove their replicas, and clear this task; the sources are "
            "untouched",
        )
    fresh = [lfn for lfn in asked if lfn not in bad]
    added = gateway.add_files(removing, fresh) if fresh else 0
    return Verified(added, good, bad)
