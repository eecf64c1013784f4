"""Reads small files from a storage element, after a look at the catalogue.

Invariant: at most ``limit`` bytes are returned, whatever catalogue and storage say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.errors import GatewayRejected, NotFound
from dirac_prodsys.gateway.verbs.services import ServiceCalls


class SmallFileVerbs(ServiceCalls):
    """Implements the verbs of :class:`ProductionGateway` about the content of files."""

    def file_versions(self, lfns: Sequence[str]) -> Mapping[str, str]:
        """See :meth:`ProductionGateway.file_versions`."""
        return {lfn: _version(facts) for lfn, facts in self._file_facts(lfns).items()}

    def read_file(self, lfn: str, limit: int) -> bytes:
        """See :meth:`ProductionGateway.read_file`."""
        facts = self._file_facts([lfn]).get(lfn)
        if facts is None:
            raise NotFound(f"the file catalogue has no {lfn}", "wait until it is registered")
        size = int(facts.get("Size") or 0)
        if size > limit:
            raise _too_long(lfn, f"{size:,}", limit)
        content = self._fetch(lfn, limit)
        if len(content) > limit:  # the storage has another file than the catalogue says
            raise _too_long(lfn, f"more than {limit:,}", limit)
        return content

    def _file_facts(self, lfns: Sequence[str]) -> dict[str, dict[str, Any]]:
        there = self._each("isFile", dict.fromkeys(lfns, True))
        known = [lfn for lfn, is_file in there.items() if is_file]
        if not known:
            return {}
        reply = self._fc("getFileMetadata", dict.fromkeys(known, True))
        return dict(reply.get("Successful", {}))  # failed files were removed meanwhile


def _too_long(lfn: str, size: str, limit: int) -> GatewayRejected:
    return GatewayRejected(
        f"{lfn} has {size} bytes, and {limit:,} are the most that is read",
        "write the numbers into a small file of their own",
    )


def _version(facts: Mapping[str, Any]) -> str:
    return "/".join(str(facts.get(key, "")) for key in ("FileID", "Size", "Checksum"))
