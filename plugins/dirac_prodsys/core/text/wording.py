"""Writes numbers, moments, spans of time and other people's words as text that people read.

A job sets its own MinorStatus and ApplicationStatus. They may contain anything: a line break that
forges a line of a log, codes that control a terminal, marks that reverse the order of letters.

Invariant: pure; the clock is the caller's, and every time that is shown is UTC and says so.
:func:`one_line` makes one line of printable characters, and not a long one; plain text stays
unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

#: maximum number of characters that are kept
MOST = 500


def one_line(words: Any, most: int = MOST) -> str:
    """Write the words as one printable line: blanks for breaks, a mark for what does not print."""
    text = str(words)
    if text.isascii() and text.isprintable() and len(text) <= most:
        return text
    text = " ".join(text[: 4 * most].split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def counted(count: int, thing: str) -> str:
    """Write a number of things: ``0 files``, ``1 file``, ``1,200 files``."""
    return f"{count:,} {plural(thing, count)}"


def plural(thing: str, count: float) -> str:
    """Return the singular or plural of a thing, by its number."""
    return f"{thing}{'s' * (count != 1)}"


def first_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Write names in a sentence: the first ones, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more


def by_state(counts: Mapping[str, int]) -> str:
    """Write the number of each state, ``Done 4, Failed 1``; a dash if there is none."""
    return ", ".join(f"{state} {number}" for state, number in sorted(counts.items())) or "-"


def stamp(seconds: float) -> str:
    """Write the moment as ISO 8601, to the second: for values that programs read."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def read_stamp(text: str) -> float:
    """Inverse of :func:`stamp`; 0 if the text is no moment."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return 0.0


def clock(seconds: float, now: float) -> str:
    """Write the moment as on a clock: ``02:14 UTC``, with its day if it is another day."""
    then, today = datetime.fromtimestamp(seconds, UTC), datetime.fromtimestamp(now, UTC)
    return then.strftime("%H:%M UTC" if then.date() == today.date() else "%d %b %H:%M UTC")


def span(seconds: float) -> str:
    """Write the span in the unit that suits it best: ``3 h``, ``90 min``, ``20 s``."""
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
