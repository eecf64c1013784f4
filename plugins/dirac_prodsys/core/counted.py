"""Numbers of things in words that are right for one, too."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """So many of a thing: ``0 files``, ``1 file``, ``1,200 files``."""
    return f"{count:,} {thing}{'s' * (count != 1)}"
