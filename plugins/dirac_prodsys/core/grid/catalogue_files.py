"""Describes files as the catalogue has them, and lists of them.

Invariant: the checksum of a list is the one that DIRAC's catalogue keeps for a dataset, so that the
two can be compared (``DatasetManager.__getMetaQueryParameters``, 9.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CatalogueFile:
    """A file as the catalogue has it.

    :param size: bytes.
    :param checksum: Adler-32 as the catalogue writes it; empty: it has none.
    :param number: FileID; a file that is registered again has another one.
    :param places: storage elements with a replica, sorted; empty: it has no replica.
    :param metadata: its own metadata, without those of its directories.
    """

    lfn: str
    size: int
    checksum: str = ""
    number: int = 0
    places: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedFile:
    """A file of a list that was kept, as it was then.

    :param size: bytes.
    :param checksum: Adler-32; empty: the catalogue had none.
    """

    lfn: str
    size: int
    checksum: str = ""


def list_checksum(lfns: Iterable[str]) -> str:
    """Return the checksum of a list of names, whatever their order: DIRAC's ``DatasetHash``."""
    names = sorted(lfns)
    return hashlib.md5(str(names).encode(), usedforsecurity=False).hexdigest().upper()
