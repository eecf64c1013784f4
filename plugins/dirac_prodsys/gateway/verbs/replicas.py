"""Compares replicas on a storage element with the catalogue.

Invariant: for every file that is asked about, the reason is returned why its replica cannot be
trusted, unless size and checksum on the storage are those of the catalogue. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.gateway.records import StoredReplica
from dirac_prodsys.gateway.verbs.services import ServiceCalls, chunks

#: files in one call of the catalogue, and in one look at the storage
REPLICA_CHUNK = 200


class ReplicaVerbs(ServiceCalls):
    """Implements the verb of :class:`ProductionGateway` about copies."""

    def bad_replicas(self, se: str, lfns: Sequence[str]) -> Mapping[str, str]:
        """See :meth:`ProductionGateway.bad_replicas`."""
        bad: dict[str, str] = {}
        for chunk in chunks(sorted(set(lfns)), REPLICA_CHUNK):
            asked = dict.fromkeys(chunk, True)
            known = self._fc("getFileMetadata", asked)
            places = self._fc("getReplicas", chunk, False)
            registered = [lfn for lfn in chunk if se in (places["Successful"].get(lfn) or {})]
            bad.update({lfn: f"not registered at {se}" for lfn in chunk if lfn not in registered})
            stored = self._on_storage(se, registered) if registered else {}
            for lfn in registered:
                facts = known["Successful"].get(lfn)
                if why := _difference(facts, stored.get(lfn, "the storage does not tell")):
                    bad[lfn] = f"{why} at {se}"
        return bad


def _difference(facts: Mapping[str, Any] | None, stored: StoredReplica | str) -> str:
    """Return why a replica is not good; empty if it is."""
    if facts is None:
        return "the catalogue does not have the file"
    if isinstance(stored, str):
        return stored
    if int(facts["Size"]) != stored.size:
        return f"{stored.size} bytes, and the catalogue says {facts['Size']},"
    expected, found = _adler(facts.get("Checksum")), _adler(stored.checksum)
    if expected is None:
        return "the catalogue has no checksum to compare with"
    if found is None:
        return "the storage tells no checksum"
    return (
        "" if expected == found else f"checksum {found:08x}, and the catalogue says {expected:08x},"
    )


def _adler(text: Any) -> int | None:
    """Return a checksum as a number; catalogues and storages write it in several ways."""
    try:
        return int(str(text).strip().lower().removeprefix("0x"), 16)
    except ValueError:
        return None
