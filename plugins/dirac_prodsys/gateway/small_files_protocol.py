"""What gates ask about single files, beside :mod:`gateway.protocol`.

A verb of its own protocol, as nothing else reads the content of a file; a backend without it still
runs productions, and steps that wait for a value then wait on.

Invariant: as for :class:`ProductionGateway`: blocking, repeatable, in our errors only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class SmallFilesGateway(Protocol):
    """Whether files are there, whether they have changed, and what is in a small one."""

    def file_versions(self, lfns: Sequence[str]) -> Mapping[str, str]:
        """Those of these files that the catalogue has, each with a mark of its version.

        The mark is of size, checksum and file ID: while it is the same, the content is.
        """

    def read_file(self, lfn: str, limit: int) -> bytes:
        """The content of a small file, from any of its replicas.

        :param limit: bytes; a file that is longer is not fetched.
        :raises NotFound: the catalogue does not have it.
        :raises GatewayRejected: it is longer than that.
        :raises GatewayUnavailable: no replica could be read within ``GatewaySettings.timeout``.
        """
