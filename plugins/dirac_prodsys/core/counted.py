"""Numbers of things in words that are right for one, too."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """So many of a thing: ``0 files``, ``1 file``, ``1,200 files``."""
    return f"{count:,} {plural(thing, count)}"


def plural(thing: str, count: float) -> str:
    """The word for so many of a thing."""
    return f"{thing}{'s' * (count != 1)}"
