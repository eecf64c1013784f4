"""What removing a copied file asks of a production system first: are its copies good?

DIRAC copies and removes what its catalogue says. Whether the bytes at a storage element are those
of the file, nobody asks before a removal (``ReplicateAndRegister.__checkReplicas`` and
``DataManager.removeReplica``, 9.1). So it is asked here.

Invariant: a replica is good only if both its size and its checksum were read from the storage
itself and are those of the catalogue; what cannot be read is not good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class ReplicaGateway(Protocol):
    """Replicas, as they lie on storage."""

    def bad_replicas(self, se: str, lfns: Sequence[str]) -> Mapping[str, str]:
        """Which of these files have no good replica at a storage element, and why.

        :raises GatewayUnavailable: the storage, or the catalogue, does not answer.
        :raises GatewayRejected: the storage cannot be read from here.
        """
