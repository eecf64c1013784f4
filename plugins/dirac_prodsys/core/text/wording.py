"""Puts numbers, moments, spans of time and words of others into text that people read.

A job sets its own MinorStatus and ApplicationStatus. They may hold anything: a line break that
forges a line of a log, codes that rule a terminal, marks that turn the order of letters.

Invariant: pure; the clock is the caller's, and every time that is shown is UTC and says so. What
:func:`one_line` makes is one line of printable characters, and not long; what is plain already
comes out as it was.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

#: characters that are kept
MOST = 500


def one_line(words: Any, most: int = MOST) -> str:
    """The words as one printable line: blanks for breaks, a mark for what does not print."""
    text = str(words)
    if text.isascii() and text.isprintable() and len(text) <= most:
        return text
    text = " ".join(text[: 4 * most].split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def counted(count: int, thing: str) -> str:
    """So many of a thing: ``0 files``, ``1 file``, ``1,200 files``."""
    return f"{count:,} {plural(thing, count)}"


def plural(thing: str, count: float) -> str:
    """The word for so many of a thing."""
    return f"{thing}{'s' * (count != 1)}"


def stamp(seconds: float) -> str:
    """The moment as ISO 8601, to the second: for values that programs read."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def read_stamp(text: str) -> float:
    """Inverse of :func:`stamp`; 0 for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return 0.0


def clock(seconds: float, now: float) -> str:
    """The moment as on a clock: ``02:14 UTC``, and with its day if that is another one."""
    then, today = datetime.fromtimestamp(seconds, UTC), datetime.fromtimestamp(now, UTC)
    return then.strftime("%H:%M UTC" if then.date() == today.date() else "%d %b %H:%M UTC")


def span(seconds: float) -> str:
    """The span in the unit that tells it best: ``3 h``, ``90 min``, ``20 s``."""
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
