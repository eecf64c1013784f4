"""Defines a file of the in-memory catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class File:
    """A registered file; its metadata are its own and those of the directories above it.

    :param checksum: Adler-32, as the catalogue has it.
    :param replicas: storage element → size and checksum stored there; None: the replica was lost.
    """

    se: str
    size: int
    metadata: dict[str, Any] = field(default_factory=dict)
    checksum: str = "0badcafe"
    content: bytes | None = None
    number: int = 0
    replicas: dict[str, tuple[int, str] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.replicas.setdefault(self.se, (self.size, self.checksum))
